/** How a key is written down (as tinykeys reads it), pressed, shown on the screen and told to a screen reader. */

import { word } from '../strings';

/** What the key is called that Control stands for: on a Mac, Command does the same. */
export const MODIFIER = /^(Mac|iP)/.test(globalThis.navigator?.platform ?? '') ? '⌘' : 'Ctrl';

const CAPS: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Control: MODIFIER,
};
const UNFINISHED = [
  'Shift',
  'Control',
  'Alt',
  'AltGraph',
  'Meta',
  'CapsLock',
  'Dead',
  'Process',
  'Unidentified',
];

/** Where a sign lies on most keyboards, and all that Option leaves of it on a Mac. */
const PLACES: Record<string, string> = {
  '-': 'Minus',
  '=': 'Equal',
  '[': 'BracketLeft',
  ']': 'BracketRight',
  ';': 'Semicolon',
  "'": 'Quote',
  ',': 'Comma',
  '.': 'Period',
  '/': 'Slash',
  '\\': 'Backslash',
};
const SIGNS = new Map(Object.entries(PLACES).map(([sign, place]) => [place, sign]));
/** The letter or sign at that place of the keyboard; none for other keys. */
const written = (code: string): string | undefined =>
  /^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : SIGNS.get(code);
const placeOf = (one: string): string | undefined =>
  /^[a-z]$/.test(one) ? `Key${one.toUpperCase()}` : PLACES[one];

const partsOf = (key: string): string[] => key.split(/\b\+/);
const cap = (part: string): string =>
  CAPS[part] ?? (part.length === 1 ? part.toUpperCase() : word('cap', part.replace(/^Digit/, '')));

/** What is printed on the keys: "Ctrl Z". */
export const capsOf = (key: string): string[] => partsOf(key).map(cap);
/** In a sentence or a title: "Ctrl+Z". */
export const nameOf = (key: string): string => capsOf(key).join('+');

const spoken = (part: string): string =>
  part.replace(/^Digit/, '').replace(/^[a-z]$/, (one) => one.toUpperCase());
/** For `aria-keyshortcuts`; Command does on a Mac what Control does elsewhere. */
export function ariaOf(keys: readonly string[]): string {
  const told = keys.map((key) => partsOf(key).map(spoken).join('+'));
  return told
    .flatMap((key) => (key.startsWith('Control+') ? [key, key.replace('Control', 'Meta')] : key))
    .join(' ');
}

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** Alt and Shift change what a key writes: there, the place of a digit or letter counts. */
function base({ key, code, altKey, shiftKey, ctrlKey, metaKey }: Pressed): string {
  if (/^Digit\d$/.test(code) && (altKey || shiftKey || ctrlKey || metaKey)) return code;
  const own = /^Key[A-Z]$/.test(code) ? /^[a-z]$/i : /^[ -~]$/;
  if (altKey && !own.test(key)) return written(code) ?? key;
  if (key === ' ') return 'Space';
  return key.length === 1 ? key.toLowerCase() : key;
}

/** The key that was pressed, or null while only a modifier is down. A sign has its Shift within it. */
export function keyOf(event: Pressed): string | null {
  const dead = event.key === 'Dead' && event.altKey && written(event.code);
  if (UNFINISHED.includes(event.key) && !dead) return null;
  const name = base(event);
  const sign = name.length === 1 && name.toLowerCase() === name.toUpperCase();
  const modifiers = [
    event.ctrlKey || event.metaKey ? 'Control' : '',
    event.altKey ? 'Alt' : '',
    event.shiftKey && !sign ? 'Shift' : '',
  ];
  return [...modifiers.filter(Boolean), name].join('+');
}

/**
 * A sign such as ? or + needs Shift on one keyboard and none on another. So do digits: on a French one the row of digits
 * writes & é " and so on, and there the place of the key counts.
 */
export function layoutsOf(keys: string): string[] {
  // On a Mac, Option writes other signs with the same keys: there, their place counts.
  const place = MODIFIER === '⌘' && /^Alt\+.$/.test(keys) && placeOf(keys.slice(-1));
  if (place) return [keys, `Alt+${place}`];
  if (keys.startsWith('Control+')) return [keys, keys.replace('Control', 'Meta')];
  if (/^\d$/.test(keys)) return [keys, `Digit${keys}`];
  return /^[^\w\s]$/.test(keys) ? [keys, `Shift+${keys}`] : [keys];
}
