/** What is painted where a plane cuts the labelmap. */

import { MaskSheet } from './mask-sheet';
import { sample } from './section';
import type { SectionOf } from './types';

export class SectionMask extends MaskSheet {
  protected override labelsOn(index: number): Uint8Array {
    const { box, grid } = this.series.section as SectionOf;
    const frames = Array.from({ length: this.map.frames }, (_, frame) => this.map.frame(frame));
    return sample(frames, box, grid, index, { fill: 0, nearest: true }) as Uint8Array;
  }

  /** Voxels of each class in the plane shown. */
  counts(): Map<number, number> {
    const found = new Map<number, number>();
    for (const value of this.values) if (value) found.set(value, (found.get(value) ?? 0) + 1);
    return found;
  }
}
