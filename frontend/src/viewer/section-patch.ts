/** Where a change of voxels is seen in planes through them. */

import type { VoxelPatch } from '../voxels/patch';
import { planeOf } from './plane';
import { distanceTo, fromVoxel, nearestFrame } from './section';
import type { SectionOf, SeriesDisplay, Vector } from './types';

/** The plane shown, if it cuts any of the voxels that changed, or else one that does. */
export function planeWith(planes: SeriesDisplay, index: number, { starts, lengths }: VoxelPatch): number {
  const { box, grid } = planes.section as SectionOf;
  const [columns, rows] = box.size;
  const placeOf = (at: number): Vector => {
    const row = Math.floor(at / columns);
    return fromVoxel(box, [at % columns, row % rows, Math.floor(row / rows)]);
  };
  const shown = planeOf(planes, index);
  const half = grid.step / 2 + 1e-6;
  for (const [i, start] of starts.entries()) {
    const from = distanceTo(shown, placeOf(start));
    const to = distanceTo(shown, placeOf(start + (lengths[i] as number) - 1));
    if (Math.min(from, to) <= half && Math.max(from, to) >= -half) return index;
  }
  return starts.length ? nearestFrame(planes, placeOf(starts[0] as number)).index : index;
}
