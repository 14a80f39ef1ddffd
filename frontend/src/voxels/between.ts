/**
 * The outlines between two painted frames: shape-based interpolation by signed distance.
 * Raya and Udupa, Shape-Based Interpolation of Multidimensional Objects, IEEE Transactions on Medical
 * Imaging 9 (1990), 32-42; here with exact Euclidean distances in millimetres.
 */

import { signedDistances } from './distance';
import { emptyMask, frameOf, type Mask, type Spacing } from './grid';

/** Pairs of painted frames with only empty ones between them, in order. */
export function gapsOf(mask: Mask): [from: number, to: number][] {
  const painted: number[] = [];
  for (let index = 0; index < mask.frames; index++)
    if (frameOf(mask, index).bytes.includes(1)) painted.push(index);
  const pairs = painted.slice(1).map((to, i): [number, number] => [painted[i] as number, to]);
  return pairs.filter(([from, to]) => to - from > 1);
}

/**
 * The mask with its gaps filled. Frames lie at equal distances. A voxel is inside where the weighted mean
 * of its distances to both outlines is below 0: never outside both outlines, always where it is inside both.
 */
export function filledBetween(
  mask: Mask,
  spacing: Spacing,
  progress: (part: number) => void = () => undefined,
): Mask {
  const size = mask.rows * mask.columns;
  const made = emptyMask(mask);
  made.bytes.set(mask.bytes);
  const gaps = gapsOf(mask);
  gaps.forEach(([from, to], done) => {
    const before = signedDistances(frameOf(mask, from), spacing);
    const after = signedDistances(frameOf(mask, to), spacing);
    for (let frame = from + 1; frame < to; frame++) {
      const weight = (frame - from) / (to - from);
      for (let i = 0; i < size; i++) {
        const distance = (1 - weight) * (before[i] as number) + weight * (after[i] as number);
        if (distance < 0) made.bytes[frame * size + i] = 1;
      }
    }
    progress((done + 1) / gaps.length);
  });
  return made;
}
