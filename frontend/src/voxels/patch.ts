/**
 * What an edit changed in a labelmap: runs of neighbouring voxels that had one value and got another. A
 * disc costs a few bytes a row instead of six a voxel, so that hundreds of steps fit into memory.
 */

export interface VoxelPatch {
  /** Index of the first voxel of each run, ascending; a run may go on into the next row or frame. */
  starts: Uint32Array;
  lengths: Uint32Array;
  before: Uint8Array;
  after: Uint8Array;
}

const BYTES_PER_RUN = 10;

export const patchBytes = (patch: VoxelPatch): number => patch.starts.length * BYTES_PER_RUN;

export const patchVoxels = (patch: VoxelPatch): number =>
  patch.lengths.reduce((sum, length) => sum + length, 0);

/** Collects changes in ascending order of their place. */
export class PatchBuilder {
  private readonly starts: number[] = [];
  private readonly lengths: number[] = [];
  private readonly before: number[] = [];
  private readonly after: number[] = [];

  set(index: number, before: number, after: number): void {
    const last = this.starts.length - 1;
    const end = last < 0 ? -1 : (this.starts[last] as number) + (this.lengths[last] as number);
    if (index < end) throw new RangeError('Changes must come in ascending order.');
    if (index === end && this.before[last] === before && this.after[last] === after) {
      (this.lengths[last] as number) += 1;
      return;
    }
    this.starts.push(index);
    this.lengths.push(1);
    this.before.push(before);
    this.after.push(after);
  }

  /** Null if nothing changed. */
  build(): VoxelPatch | null {
    if (this.starts.length === 0) return null;
    return {
      starts: Uint32Array.from(this.starts),
      lengths: Uint32Array.from(this.lengths),
      before: Uint8Array.from(this.before),
      after: Uint8Array.from(this.after),
    };
  }
}
