/** Sizes and places in a labelmap, and masks cut out of it: one byte per voxel, 1 inside, 0 outside. */

export interface Grid {
  frames: number;
  rows: number;
  columns: number;
}

/** Millimetres between voxel centres (pixels where nobody knows). */
export interface Spacing {
  column: number;
  row: number;
  /** Between frames; null where frames have no known distance. */
  frame: number | null;
}

/** C order (frame, row, column). */
export interface Mask extends Grid {
  bytes: Uint8Array;
}

/** The first voxel of a part of a grid, and its size. */
export interface Box extends Grid {
  frame: number;
  row: number;
  column: number;
}

export const emptyMask = ({ frames, rows, columns }: Grid): Mask => ({
  frames,
  rows,
  columns,
  bytes: new Uint8Array(frames * rows * columns),
});

/** One frame of a mask: a view, not a copy. */
export function frameOf(mask: Mask, index: number): Mask {
  const size = mask.rows * mask.columns;
  return { ...mask, frames: 1, bytes: mask.bytes.subarray(index * size, (index + 1) * size) };
}

/** The same work on each frame alone. */
export function eachFrame(
  mask: Mask,
  work: (frame: Mask) => Mask,
  progress: (part: number) => void = () => undefined,
): Mask {
  const made = emptyMask(mask);
  for (let index = 0; index < mask.frames; index++) {
    made.bytes.set(work(frameOf(mask, index)).bytes, index * mask.rows * mask.columns);
    progress((index + 1) / mask.frames);
  }
  return made;
}

export interface Range {
  first: number;
  /** The last frame that belongs to it. */
  last: number;
}

/** The smallest box around the voxels that have one of these values, on these frames; null if none has. */
export function boxAround(bytes: Uint8Array, grid: Grid, wanted: Uint8Array, range: Range): Box | null {
  const { rows, columns } = grid;
  let [top, bottom, left, right, first, last] = [rows, -1, columns, -1, -1, -1];
  for (let frame = range.first; frame <= range.last; frame++) {
    for (let row = 0; row < rows; row++) {
      const start = (frame * rows + row) * columns;
      let from = 0;
      while (from < columns && !wanted[bytes[start + from] as number]) from++;
      if (from === columns) continue;
      let to = columns - 1;
      while (!wanted[bytes[start + to] as number]) to--;
      if (first < 0) first = frame;
      last = frame;
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      [left, right] = [Math.min(left, from), Math.max(right, to)];
    }
  }
  if (last < 0) return null;
  const size = { frames: last - first + 1, rows: bottom - top + 1, columns: right - left + 1 };
  return { frame: first, row: top, column: left, ...size };
}

/** The box with so many voxels more on every side, as far as the grid and the range reach. */
export function widened(box: Box, by: readonly [number, number, number], grid: Grid, range: Range): Box {
  const part = (start: number, size: number, more: number, low: number, high: number) => {
    const from = Math.max(low, start - more);
    return [from, Math.min(high, start + size + more) - from] as const;
  };
  const [frame, frames] = part(box.frame, box.frames, by[0], range.first, range.last + 1);
  const [row, rows] = part(box.row, box.rows, by[1], 0, grid.rows);
  const [column, columns] = part(box.column, box.columns, by[2], 0, grid.columns);
  return { frame, row, column, frames, rows, columns };
}

/** Where in the whole grid the rows of a box begin, in order: (index there, index in the box). */
export function* rowsOf(box: Box, grid: Grid): Generator<readonly [whole: number, part: number]> {
  let part = 0;
  for (let frame = 0; frame < box.frames; frame++) {
    for (let row = 0; row < box.rows; row++) {
      yield [((box.frame + frame) * grid.rows + box.row + row) * grid.columns + box.column, part];
      part += box.columns;
    }
  }
}

/** The voxels of one value within a box, as a mask of the box's size. */
export function cut(bytes: Uint8Array, grid: Grid, box: Box, value: number): Mask {
  const mask = emptyMask(box);
  for (const [whole, part] of rowsOf(box, grid)) {
    for (let i = 0; i < box.columns; i++) if (bytes[whole + i] === value) mask.bytes[part + i] = 1;
  }
  return mask;
}
