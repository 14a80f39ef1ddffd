/** A mask of part of a series, seen where a plane cuts it. */

import { walk } from './section';
import type { SectionOf } from './types';

export interface MaskPart {
  start: readonly [frame: number, row: number, column: number];
  shape: readonly [frames: number, rows: number, columns: number];
  voxels: Uint8Array;
}

/** The pixels of one plane; 0 outside the part. */
export function partIn(part: MaskPart, { box, grid }: SectionOf, index: number): Uint8Array {
  const out = new Uint8Array(grid.columns * grid.rows);
  const { start, across, down } = walk(box, grid, index);
  const [frames, rows, columns] = part.shape;
  const from = [start[0] - part.start[2], start[1] - part.start[1], start[2] - part.start[0]] as const;
  for (let v = 0, at = 0; v < grid.rows; v++) {
    for (let u = 0; u < grid.columns; u++, at++) {
      const column = Math.round(from[0] + u * across[0] + v * down[0]);
      const row = Math.round(from[1] + u * across[1] + v * down[1]);
      const frame = Math.round(from[2] + u * across[2] + v * down[2]);
      if (column < 0 || row < 0 || frame < 0 || column >= columns || row >= rows || frame >= frames) continue;
      out[at] = part.voxels[(frame * rows + row) * columns + column] as number;
    }
  }
  return out;
}
