/** A mask that prompts brought, before it is part of anything: where it lies, its borders, what it would change. */

import type { Labelmap } from '../../viewer/labelmap';
import { bordersOf } from '../../viewer/mask-outline';
import { partIn } from '../../viewer/section-part';
import type { LabelClass, Point, SeriesDisplay } from '../../viewer/types';
import { PatchBuilder, type VoxelPatch } from '../../voxels/patch';
import type { Answer } from './prompt-doors';

export class Preview {
  readonly voxels: number;
  /** The frames of the series on which any of it lies. */
  readonly frames: readonly number[];
  private readonly kept = new Map<string, Point[][]>();

  constructor(
    readonly answer: Answer,
    readonly label: LabelClass,
  ) {
    this.voxels = answer.voxels.reduce((sum, voxel) => sum + voxel, 0);
    const all = Array.from({ length: answer.shape[0] }, (_, index) => index);
    this.frames = all.filter((z) => this.section(z).includes(1)).map((z) => z + answer.start[0]);
  }

  private section(z: number): Uint8Array {
    const size = this.answer.shape[1] * this.answer.shape[2];
    return this.answer.voxels.subarray(z * size, (z + 1) * size);
  }

  /** In pixels of a frame of its series, or of a plane through it. */
  bordersOn(series: SeriesDisplay, index: number): Point[][] {
    const { section } = series;
    if (!section && !this.frames.includes(index)) return [];
    const of = `${section?.plane ?? ''}${index}`;
    const known = this.kept.get(of);
    if (known) return known;
    const lines = section
      ? bordersOf(partIn(this.answer, section, index), series.rows, series.columns, 1)
      : this.onFrame(index);
    this.kept.set(of, lines);
    return lines;
  }

  private onFrame(frame: number): Point[][] {
    const { start, shape } = this.answer;
    return bordersOf(this.section(frame - start[0]), shape[1], shape[2], 1).map((line) =>
      line.map(([column, row]): Point => [column + start[2], row + start[1]]),
    );
  }

  /** What it changes in the labelmap; null if nothing. Locked values stay as they are. */
  patchOf(map: Labelmap, value: number, locked: Uint8Array): VoxelPatch | null {
    const { start, shape, voxels } = this.answer;
    const builder = new PatchBuilder();
    for (let z = 0; z < shape[0]; z++) {
      for (let y = 0; y < shape[1]; y++) {
        const from = (z * shape[1] + y) * shape[2];
        const to = ((z + start[0]) * map.rows + y + start[1]) * map.columns + start[2];
        for (let x = 0; x < shape[2]; x++) {
          const old = map.bytes[to + x] as number;
          if (voxels[from + x] && old !== value && !locked[old]) builder.set(to + x, old, value);
        }
      }
    }
    return builder.build();
  }
}
