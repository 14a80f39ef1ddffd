/** Growing and shrinking by a distance between voxel centres: round in space whatever the voxels' shape. */

import { squaredDistances } from './distance';
import type { Mask, Spacing } from './grid';

/** A voxel exactly so far away belongs to it, whatever the last bit of the arithmetic says. */
const NEARLY = 1 + 1e-5;

/** All voxels at most `by` away from the shape. */
export function grown(mask: Mask, by: number, spacing: Spacing): Mask {
  const reach = by ** 2 * NEARLY;
  const bytes = Uint8Array.from(squaredDistances(mask, spacing, 1), (square) => (square <= reach ? 1 : 0));
  return { ...mask, bytes };
}

/** The voxels of the shape more than `by` away from everything else; the edge of the image is no end of it. */
export function shrunk(mask: Mask, by: number, spacing: Spacing): Mask {
  const reach = by ** 2 * NEARLY;
  const bytes = Uint8Array.from(squaredDistances(mask, spacing, 0), (square) => (square > reach ? 1 : 0));
  return { ...mask, bytes };
}
