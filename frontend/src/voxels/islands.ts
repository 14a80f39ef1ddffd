/**
 * Connected parts of a mask, where neighbours share a face (4 on a frame, 6 in space). Works on runs of
 * voxels, not on voxels, so that a whole series costs little memory.
 */

import { emptyMask, type Mask } from './grid';

interface Runs {
  /** Of each run: the row it is in (counted over all frames), its first column, and the one after its last. */
  rows: number[];
  from: number[];
  to: number[];
  /** The first run of every row. */
  firsts: Int32Array;
}

function runsOf(mask: Mask, value: 0 | 1): Runs {
  const { bytes, columns } = mask;
  const count = mask.frames * mask.rows;
  const runs: Runs = { rows: [], from: [], to: [], firsts: new Int32Array(count + 1) };
  for (let row = 0; row < count; row++) {
    runs.firsts[row] = runs.rows.length;
    const start = row * columns;
    for (let at = 0; at < columns; at++) {
      if (bytes[start + at] !== value) continue;
      const from = at;
      while (at < columns && bytes[start + at] === value) at += 1;
      runs.rows.push(row);
      runs.from.push(from);
      runs.to.push(at);
    }
  }
  runs.firsts[count] = runs.rows.length;
  return runs;
}

class Parts {
  private readonly parents: Int32Array;

  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, index) => index);
  }

  of(run: number): number {
    const { parents } = this;
    while (parents[run] !== run) {
      parents[run] = parents[parents[run] as number] as number;
      run = parents[run] as number;
    }
    return run;
  }

  join(a: number, b: number): void {
    this.parents[this.of(a)] = this.of(b);
  }
}

/** Joins the runs of two rows that lie side by side. */
function touch(runs: Runs, parts: Parts, one: number, other: number): void {
  let a = runs.firsts[one] as number;
  let b = runs.firsts[other] as number;
  const [endA, endB] = [runs.firsts[one + 1] as number, runs.firsts[other + 1] as number];
  while (a < endA && b < endB) {
    const [toA, toB] = [runs.to[a] as number, runs.to[b] as number];
    if ((runs.from[a] as number) < toB && (runs.from[b] as number) < toA) parts.join(a, b);
    if (toA <= toB) a += 1;
    else b += 1;
  }
}

function connected(mask: Mask, value: 0 | 1): { runs: Runs; parts: Parts } {
  const runs = runsOf(mask, value);
  const parts = new Parts(runs.rows.length);
  for (let row = 0; row < mask.frames * mask.rows; row++) {
    if (row % mask.rows > 0) touch(runs, parts, row, row - 1);
    if (row >= mask.rows) touch(runs, parts, row, row - mask.rows);
  }
  return { runs, parts };
}

/** The size of every part, by the run that stands for it. */
function sizesOf(runs: Runs, parts: Parts): Map<number, number> {
  const sizes = new Map<number, number>();
  runs.rows.forEach((_, run) => {
    const part = parts.of(run);
    sizes.set(part, (sizes.get(part) ?? 0) + (runs.to[run] as number) - (runs.from[run] as number));
  });
  return sizes;
}

function drawn(into: Mask, runs: Runs, keep: (run: number) => boolean): Mask {
  runs.rows.forEach((row, run) => {
    const start = row * into.columns;
    if (keep(run)) into.bytes.fill(1, start + (runs.from[run] as number), start + (runs.to[run] as number));
  });
  return into;
}

/** The largest part alone; of several that are equally large, the first. */
export function largest(mask: Mask): Mask {
  const { runs, parts } = connected(mask, 1);
  const sizes = sizesOf(runs, parts);
  const most = Math.max(0, ...sizes.values());
  const kept = [...sizes].find(([, size]) => size === most)?.[0];
  return drawn(emptyMask(mask), runs, (run) => parts.of(run) === kept);
}

/** The parts that have at least so many voxels. */
export function withoutSmall(mask: Mask, atLeast: number): Mask {
  const { runs, parts } = connected(mask, 1);
  const sizes = sizesOf(runs, parts);
  return drawn(emptyMask(mask), runs, (run) => (sizes.get(parts.of(run)) ?? 0) >= atLeast);
}

/**
 * The mask with all that it encloses. What reaches the edge of the image is not enclosed; of a single frame
 * only the four sides are its edge.
 */
export function withoutHoles(mask: Mask): Mask {
  const { runs, parts } = connected(mask, 0);
  const { rows, columns, frames } = mask;
  const open = new Set<number>();
  runs.rows.forEach((at, run) => {
    const [frame, row] = [Math.floor(at / rows), at % rows];
    const outer = frames > 1 && (frame === 0 || frame === frames - 1);
    const side = row === 0 || row === rows - 1 || runs.from[run] === 0 || runs.to[run] === columns;
    if (outer || side) open.add(parts.of(run));
  });
  const made = { ...mask, bytes: mask.bytes.slice() };
  return drawn(made, runs, (run) => !open.has(parts.of(run)));
}
