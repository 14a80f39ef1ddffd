/** Moving through a list by keyboard, as a pure step from one row to the next. */
export type Move = 'down' | 'up' | 'first' | 'last';

/** The row after the move; null while nothing is selected or nothing is there. */
export function move(row: number | null, count: number, how: Move): number | null {
  if (count === 0) return null;
  const last = count - 1;
  switch (how) {
    case 'first':
      return 0;
    case 'last':
      return last;
    case 'down':
      return row === null ? 0 : Math.min(last, row + 1);
    case 'up':
      return row === null ? last : Math.max(0, row - 1);
  }
}

/** After the rows changed, the selection stays with its case, or with its place if the case has gone. */
export function keep(row: number | null, before: readonly number[], after: readonly number[]): number | null {
  if (row === null || after.length === 0) return null;
  const same = after.indexOf(before[row] ?? Number.NaN);
  return same >= 0 ? same : Math.min(row, after.length - 1);
}
