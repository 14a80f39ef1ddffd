/** Scissors: everything inside an outline, on one frame or through all of them. */

import type { Grid } from './grid';
import { PatchBuilder, type VoxelPatch } from './patch';
import { spansOf, type Vertex } from './polygon';

/** What changes if the voxels inside the outline, on these frames, get that value; locked values stay. */
export function scissorsPatch(
  bytes: Uint8Array,
  grid: Grid,
  outline: readonly Vertex[],
  { frames, value, locked }: { frames: readonly number[]; value: number; locked: Uint8Array },
): VoxelPatch | null {
  const spans = [...spansOf(outline, grid)];
  const builder = new PatchBuilder();
  for (const frame of frames) {
    for (const [row, from, to] of spans) {
      const start = (frame * grid.rows + row) * grid.columns;
      for (let index = start + from; index <= start + to; index++) {
        const old = bytes[index] as number;
        if (old !== value && !locked[old]) builder.set(index, old, value);
      }
    }
  }
  return builder.build();
}
