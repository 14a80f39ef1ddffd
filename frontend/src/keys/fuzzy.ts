/** Finds what was meant by a few letters: words may be cut short, letters left out. */

const WORD_START = 3;
const IN_A_ROW = 2;

const plain = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();

/** How well the letters of `typed` appear, in order and whatever their accents, in `text`; null if they do not. */
export function score(typed: string, text: string): number | null {
  const wanted = plain(typed).replace(/\s+/g, '');
  const within = plain(text);
  let total = 0;
  let last = -1;
  for (const letter of wanted) {
    const at = within.indexOf(letter, last + 1);
    if (at < 0) return null;
    if (at === 0 || within[at - 1] === ' ') total += WORD_START;
    else if (at === last + 1) total += IN_A_ROW;
    last = at;
  }
  return total + (within.startsWith(wanted) ? 1 : 0);
}

/** By the best of the names that each has. Best first; among equals, those used last, and then the order they came in. */
export function rank<T>(
  all: readonly T[],
  typed: string,
  namesOf: (one: T) => readonly string[],
  recent: (one: T) => number,
): T[] {
  const age = (one: T) => (recent(one) < 0 ? Number.POSITIVE_INFINITY : recent(one));
  const found = all.flatMap((one) => {
    const points = namesOf(one).flatMap((name) => score(typed, name) ?? []);
    return points.length ? [{ one, points: Math.max(...points), age: age(one) }] : [];
  });
  const older = (a: number, b: number) => (a === b ? 0 : a - b);
  return found.sort((a, b) => b.points - a.points || older(a.age, b.age)).map(({ one }) => one);
}
