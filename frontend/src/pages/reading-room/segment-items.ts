/** The entries of the menu of a segment, with their letters, and what some of them ask before they start. */

export const ITEMS = [
  { id: 'grow', letter: 'g' },
  { id: 'shrink', letter: 's' },
  { id: 'fill', letter: 'f' },
  { id: 'largest', letter: 'l' },
  { id: 'islands', letter: 'i' },
  { id: 'combine', letter: 'b' },
  { id: 'interpolate', letter: 'n' },
  { id: 'copyNext', letter: 'c' },
  { id: 'copyPrevious', letter: 'p' },
  { id: 'statistics', letter: 't' },
  { id: 'look', letter: 'a' },
  { id: 'lock', letter: 'k' },
  { id: 'hide', letter: 'h' },
  { id: 'clear', letter: 'd' },
] as const;
export type ItemId = (typeof ITEMS)[number]['id'];

export const ASKING = ['grow', 'shrink', 'fill', 'largest', 'islands', 'combine'] as const;
export type Asks = (typeof ASKING)[number];

export const asksOf = (id: ItemId): Asks | null => ASKING.find((one) => one === id) ?? null;
