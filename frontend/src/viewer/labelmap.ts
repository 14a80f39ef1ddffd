/**
 * A labelmap: one byte per voxel, C order (frame, row, column), frames in the series' spatial order.
 * Painting is pure arithmetic on these bytes; every change is kept as a patch that can be undone.
 */

import type { Spacing } from '../voxels/grid';
import { PatchBuilder, type VoxelPatch } from '../voxels/patch';
import type { ValueRange } from '../voxels/ranges';

export type Voxel = readonly [column: number, row: number, frame: number];

export type Corner = readonly [column: number, row: number];

export interface Brush {
  radiusMm: number;
  /** Disc paints the frame it is on; ball reaches into its neighbours. */
  shape: 'disc' | 'ball';
  /** The voxel value to write; 0 erases. */
  value: number;
}

/** What a stroke may touch. */
export interface Limits {
  /** By value, 1 for those that stay as they are. */
  locked?: Uint8Array;
  /** Only voxels whose pixel lies in this range; frames without pixels stay as they are. */
  range?: ValueRange & { pixels: (frame: number) => ArrayLike<number> | null };
}

const NONE = new Uint8Array(256);

export class Labelmap {
  readonly bytes: Uint8Array;
  /** Voxels per value; [0] is background. */
  readonly counts = new Float64Array(256);
  /** Grows with every change, so that savers know whether they are up to date. */
  revision = 0;

  constructor(
    readonly frames: number,
    readonly rows: number,
    readonly columns: number,
    bytes?: Uint8Array,
  ) {
    const size = frames * rows * columns;
    if (bytes && bytes.length !== size) {
      throw new RangeError(
        `A labelmap of ${frames} x ${rows} x ${columns} has ${size} bytes, not ${bytes.length}.`,
      );
    }
    this.bytes = bytes ?? new Uint8Array(size);
    if (bytes) this.recount();
    else this.counts[0] = size;
  }

  private recount(): void {
    this.counts.fill(0);
    for (const value of this.bytes) this.counts[value] = (this.counts[value] as number) + 1;
  }

  /** The voxels of one frame: a view, not a copy. */
  frame(index: number): Uint8Array {
    const size = this.rows * this.columns;
    return this.bytes.subarray(index * size, (index + 1) * size);
  }

  get values(): number[] {
    return [...this.counts.keys()].filter((value) => value > 0 && (this.counts[value] as number) > 0);
  }

  /** Does what the patch says, or takes it back. */
  write(patch: VoxelPatch, side: 'before' | 'after'): void {
    const from = patch[side === 'after' ? 'before' : 'after'];
    patch.starts.forEach((start, i) => {
      const length = patch.lengths[i] as number;
      const [old, value] = [from[i] as number, patch[side][i] as number];
      this.bytes.fill(value, start, start + length);
      this.counts[old] = (this.counts[old] as number) - length;
      this.counts[value] = (this.counts[value] as number) + length;
    });
    this.revision += 1;
  }

  set(index: number, value: number): void {
    const old = this.bytes[index] as number;
    this.counts[old] = (this.counts[old] as number) - 1;
    this.counts[value] = (this.counts[value] as number) + 1;
    this.bytes[index] = value;
  }

  /** The frame on which most voxels of a value lie, so that a list can jump there; -1 where there are none. */
  richestFrame(value: number): number {
    let best = -1;
    let most = 0;
    for (let index = 0; index < this.frames; index++) {
      let count = 0;
      for (const voxel of this.frame(index)) if (voxel === value) count += 1;
      if (count > most) [best, most] = [index, count];
    }
    return best;
  }

  /** The voxel of a value on a frame that lies nearest to the middle of them all; the corner if there is none. */
  middleOn(index: number, value: number): Corner {
    const at: Corner[] = [];
    this.frame(index).forEach((voxel, i) => {
      if (voxel === value) at.push([i % this.columns, Math.floor(i / this.columns)]);
    });
    const mean = (axis: 0 | 1): number => at.reduce((sum, place) => sum + place[axis], 0) / at.length;
    const [x, y] = [mean(0), mean(1)];
    const far = ([column, row]: Corner): number => (column - x) ** 2 + (row - y) ** 2;
    return at.reduce<Corner>((best, one) => (far(one) < far(best) ? one : best), at[0] ?? [0, 0]);
  }

  /** The frames on which anything is painted. */
  paintedFrames(): number[] {
    const all = Array.from({ length: this.frames }, (_, index) => index);
    return all.filter((index) => this.frame(index).some((voxel) => voxel !== 0));
  }

  framesOf({ starts, lengths }: VoxelPatch): number[] {
    const size = this.rows * this.columns;
    const touched = new Set<number>();
    starts.forEach((start, i) => {
      const last = Math.floor((start + (lengths[i] as number) - 1) / size);
      for (let frame = Math.floor(start / size); frame <= last; frame++) touched.add(frame);
    });
    return [...touched];
  }
}

/** One movement of the brush from button down to button up; one step of the history. */
export class Stroke {
  private readonly first = new Map<number, number>();
  protected last: Voxel | null = null;

  constructor(
    private readonly map: Labelmap,
    protected readonly brush: Brush,
    private readonly spacing: Spacing,
    private readonly limits: Limits = {},
  ) {}

  /** Paints from the last point to this one without gaps; returns the frames that changed. */
  moveTo(point: Voxel): Set<number> {
    const changed = new Set<number>();
    for (const centre of this.path(point)) this.stamp(centre, changed);
    this.last = point;
    if (changed.size > 0) this.map.revision += 1;
    return changed;
  }

  protected *path(to: Voxel): Generator<Voxel> {
    const from = this.last ?? to;
    const across = (to[0] - from[0]) * this.spacing.column;
    const down = (to[1] - from[1]) * this.spacing.row;
    const step = Math.max(this.brush.radiusMm / 2, Math.min(this.spacing.column, this.spacing.row) / 2);
    const steps = Math.max(1, Math.ceil(Math.hypot(across, down) / step));
    for (let i = 1; i <= steps; i++) {
      const t = i / steps;
      yield [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]), to[2]];
    }
  }

  protected stamp([column, row, frame]: Voxel, changed: Set<number>): void {
    const { frame: gap } = this.spacing;
    const reach = this.brush.shape === 'ball' && gap ? Math.floor(this.brush.radiusMm / gap) : 0;
    for (let dz = -reach; dz <= reach; dz++) {
      const z = frame + dz;
      if (z < 0 || z >= this.map.frames) continue;
      const left = this.brush.radiusMm ** 2 - (dz * (gap ?? 0)) ** 2;
      if (left >= 0 && this.disc(column, row, z, left)) changed.add(z);
    }
  }

  private disc(column: number, row: number, frame: number, radiusSquared: number): boolean {
    const { rows, columns } = this.map;
    const radius = Math.sqrt(radiusSquared);
    const nearest: readonly [number, number] = [Math.round(column), Math.round(row)];
    let any = false;
    const first = Math.max(0, Math.floor(row - radius / this.spacing.row));
    const last = Math.min(rows - 1, Math.ceil(row + radius / this.spacing.row));
    for (let y = first; y <= last; y++) {
      const dy = (y - row) * this.spacing.row;
      const half = Math.sqrt(Math.max(0, radiusSquared - dy * dy)) / this.spacing.column;
      const inRow = dy * dy <= radiusSquared;
      const from = inRow ? Math.ceil(column - half) : nearest[0];
      const to = inRow ? Math.floor(column + half) : nearest[0];
      // A brush smaller than a voxel still paints the voxel it is on.
      const [start, end] =
        y === nearest[1] ? [Math.min(from, nearest[0]), Math.max(to, nearest[0])] : [from, to];
      if (!inRow && y !== nearest[1]) continue;
      if (this.span(frame, y, Math.max(0, start), Math.min(columns - 1, end))) any = true;
    }
    return any;
  }

  protected span(frame: number, row: number, from: number, to: number): boolean {
    const { map, brush, limits } = this;
    const { locked = NONE, range } = limits;
    const pixels = range?.pixels(frame);
    if (range && !pixels) return false;
    const base = (frame * map.rows + row) * map.columns;
    const first = frame * map.rows * map.columns;
    let any = false;
    for (let index = base + from; index <= base + to; index++) {
      const old = map.bytes[index] as number;
      if (old === brush.value || locked[old]) continue;
      if (range && pixels && !isWithin(range, pixels[index - first] as number)) continue;
      if (!this.first.has(index)) this.first.set(index, old);
      map.set(index, brush.value);
      any = true;
    }
    return any;
  }

  /** What the stroke changed in all; null if nothing. */
  finish(): VoxelPatch | null {
    const builder = new PatchBuilder();
    for (const index of Uint32Array.from(this.first.keys()).sort())
      builder.set(index, this.first.get(index) as number, this.map.bytes[index] as number);
    return builder.build();
  }
}

const isWithin = ({ low, high }: ValueRange, value: number): boolean => value >= low && value <= high;
