/** Finds what was meant by a few letters: words may be cut short, letters left out. */

const WORD_START = 3;
const IN_A_ROW = 2;

/** How well the letters of `typed` appear, in order, in `text`; null if they do not. */
export function score(typed: string, text: string): number | null {
  const wanted = typed.toLowerCase().replace(/\s+/g, '');
  const within = text.toLowerCase();
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

/** Best first; among equals, those used last, and then the order they came in. */
export function rank<T>(
  all: readonly T[],
  typed: string,
  textOf: (one: T) => string,
  recent: (one: T) => number,
): T[] {
  const age = (one: T) => (recent(one) < 0 ? Number.POSITIVE_INFINITY : recent(one));
  const found = all.flatMap((one) => {
    const points = score(typed, textOf(one));
    return points === null ? [] : [{ one, points, age: age(one) }];
  });
  const older = (a: number, b: number) => (a === b ? 0 : a - b);
  return found.sort((a, b) => b.points - a.points || older(a.age, b.age)).map(({ one }) => one);
}
