/** The borders of one value in a frame of a labelmap, as closed lines along the edges of pixels. */

import type { Point } from './types';

/** Pixel corners lie half a pixel off the centres. Inner borders are lines of their own. */
export function bordersOf(frame: Uint8Array, rows: number, columns: number, value: number): Point[][] {
  const next = directedEdges(frame, rows, columns, value);
  const lines: Point[][] = [];
  for (const start of next.keys()) {
    while (next.get(start)?.length) lines.push(follow(start, next, columns + 1));
  }
  return lines;
}

/** From each corner to the corners that follow it, with the region on the right hand side. */
function directedEdges(
  frame: Uint8Array,
  rows: number,
  columns: number,
  value: number,
): Map<number, number[]> {
  const next = new Map<number, number[]>();
  const wide = columns + 1;
  const add = (from: number, to: number) => {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      if (frame[at] !== value) continue;
      const corner = row * wide + column;
      if (row === 0 || frame[at - columns] !== value) add(corner, corner + 1);
      if (column === columns - 1 || frame[at + 1] !== value) add(corner + 1, corner + 1 + wide);
      if (row === rows - 1 || frame[at + columns] !== value) add(corner + 1 + wide, corner + wide);
      if (column === 0 || frame[at - 1] !== value) add(corner + wide, corner);
    }
  }
  return next;
}

/** One closed line from there on; its edges are used up. Only the corners where it turns are kept. */
function follow(start: number, next: Map<number, number[]>, wide: number): Point[] {
  const line: Point[] = [];
  let at = start;
  let step = 0;
  do {
    const to = next.get(at)?.pop();
    if (to === undefined) break;
    if (to - at !== step) line.push([(at % wide) - 0.5, Math.floor(at / wide) - 0.5]);
    step = to - at;
    at = to;
  } while (at !== start);
  return line;
}
