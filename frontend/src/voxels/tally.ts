/** What a segment measures: voxels, volume, and the values of the pixels under it. */

import type { Spacing } from './grid';

export interface Statistics {
  voxels: number;
  /** Null where the spacing is not known in all three directions. */
  mm3: number | null;
  mean: number;
  /** Of these voxels as a whole population (divided by their number). */
  deviation: number;
  min: number;
  max: number;
}

/** Mean and spread in one pass and without cancellation (Welford; merged as Chan et al. 1983). */
export class Tally {
  private voxels = 0;
  private mean = 0;
  private squares = 0;
  private min = Infinity;
  private max = -Infinity;

  /** The pixels of one frame, under its voxels of that value. */
  add(values: ArrayLike<number>, labels: Uint8Array, value: number): void {
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] !== value) continue;
      const one = values[i] as number;
      this.voxels += 1;
      const off = one - this.mean;
      this.mean += off / this.voxels;
      this.squares += off * (one - this.mean);
      if (one < this.min) this.min = one;
      if (one > this.max) this.max = one;
    }
  }

  /** Null if there was no voxel. */
  result({ column, row, frame }: Spacing, calibrated: boolean): Statistics | null {
    const { voxels, mean, min, max } = this;
    if (voxels === 0) return null;
    const mm3 = calibrated && frame !== null ? voxels * column * row * frame : null;
    return { voxels, mm3, mean, min, max, deviation: Math.sqrt(this.squares / voxels) };
  }
}
