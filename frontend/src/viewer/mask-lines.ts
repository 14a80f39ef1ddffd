/** Where what is painted ends: along the edges of pixels, and beside which pixel its name belongs. */

import type { Corner } from './labelmap';

/** Between two corners of pixels; pixel (0, 0) lies between the corners (0, 0) and (1, 1). */
export type Line = readonly [x0: number, y0: number, x1: number, y1: number];

/** By value, the lines between its pixels and all others; a straight run is one line. */
export function linesAround(labels: Uint8Array, rows: number, columns: number): Map<number, Line[]> {
  const found = new Map<number, Line[]>();
  const box = boundsOf(labels, columns);
  if (!box) return found;
  const label = (row: number, column: number): number =>
    row < 0 || column < 0 || row >= rows || column >= columns
      ? 0
      : (labels[row * columns + column] as number);
  const add = (value: number, line: Line) => {
    const known = found.get(value);
    if (known) known.push(line);
    else found.set(value, [line]);
  };
  const down = (column: number, row: number) => label(row, column);
  scan(box.rows, box.columns, label, (value, row, from, to) => add(value, [from, row, to, row]));
  scan(box.columns, box.rows, down, (value, column, from, to) => add(value, [column, from, column, to]));
  return found;
}

type Range = readonly [first: number, last: number];

/** The rows and columns in which anything is painted. */
function boundsOf(labels: Uint8Array, columns: number): { rows: Range; columns: Range } | null {
  const first = labels.findIndex((value) => value !== 0);
  if (first < 0) return null;
  const last = labels.findLastIndex((value) => value !== 0);
  let [left, right] = [columns, 0];
  for (let at = first; at <= last; at++) {
    if (labels[at] === 0) continue;
    const column = at % columns;
    if (column < left) left = column;
    if (column > right) right = column;
  }
  return {
    rows: [Math.floor(first / columns), Math.floor(last / columns)],
    columns: [left, right],
  };
}

/** Goes along each line between two rows of labels, once for the labels on either side of it. */
function scan(
  across: Range,
  along: Range,
  label: (line: number, place: number) => number,
  add: (value: number, line: number, from: number, to: number) => void,
): void {
  for (let line = across[0]; line <= across[1] + 1; line++) {
    for (const [own, other] of [
      [line - 1, line],
      [line, line - 1],
    ] as const) {
      let [from, current] = [0, 0];
      for (let place = along[0]; place <= along[1] + 1; place++) {
        const value = label(own, place);
        const edge = value !== label(other, place) ? value : 0;
        if (edge === current) continue;
        if (current) add(current, line, from, place);
        [from, current] = [place, edge];
      }
    }
  }
}

/** By value, the last pixel of its topmost row. */
export function cornersOf(labels: Uint8Array, columns: number): Map<number, Corner> {
  const found = new Map<number, Corner>();
  labels.forEach((value, at) => {
    if (value === 0) return;
    const row = Math.floor(at / columns);
    if ((found.get(value)?.[1] ?? row) === row) found.set(value, [at % columns, row]);
  });
  return found;
}
