/** A stroke of the brush in a plane through the volume: voxels within its circle, one voxel deep. */

import { type Brush, type Labelmap, type Limits, Stroke, type Voxel } from './labelmap';
import { type Box, dot } from './section';
import type { Vector } from './types';

export class SectionStroke extends Stroke {
  constructor(
    map: Labelmap,
    brush: Brush,
    private readonly box: Box,
    /** The direction through the plane. */
    private readonly through: Vector,
    limits: Limits = {},
  ) {
    const [column, row, frame] = box.spacing;
    super(map, brush, { column, row, frame }, limits);
  }

  protected override *path(to: Voxel): Generator<Voxel> {
    const from = this.last ?? to;
    const [c, r, f] = this.box.spacing;
    const length = Math.hypot((to[0] - from[0]) * c, (to[1] - from[1]) * r, (to[2] - from[2]) * f);
    const step = Math.max(this.brush.radiusMm / 2, Math.min(c, r, f) / 2);
    const steps = Math.max(1, Math.ceil(length / step));
    for (let i = 1; i <= steps; i++) {
      const share = i / steps;
      const at = (axis: 0 | 1 | 2): number => from[axis] + share * (to[axis] - from[axis]);
      yield [at(0), at(1), at(2)];
    }
  }

  protected override stamp(centre: Voxel, changed: Set<number>): void {
    const { spacing, size } = this.box;
    const { radiusMm } = this.brush;
    const range = (axis: 0 | 1 | 2): [number, number] => {
      const reach = radiusMm / spacing[axis] + 1;
      return [
        Math.max(0, Math.floor(centre[axis] - reach)),
        Math.min(size[axis] - 1, Math.ceil(centre[axis] + reach)),
      ];
    };
    const [[c0, c1], [r0, r1], [f0, f1]] = [range(0), range(1), range(2)];
    for (let frame = f0; frame <= f1; frame++) {
      for (let row = r0; row <= r1; row++) {
        for (let column = c0; column <= c1; column++) {
          if (!this.reaches(column, row, frame, centre)) continue;
          if (this.span(frame, row, column, column)) changed.add(frame);
        }
      }
    }
  }

  /** A brush smaller than a voxel still paints the voxel that it is on. */
  private reaches(column: number, row: number, frame: number, centre: Voxel): boolean {
    const offset: Vector = [column - centre[0], row - centre[1], frame - centre[2]];
    if (offset.every((value) => Math.abs(value) <= 0.5)) return true;
    const { axes, spacing } = this.box;
    const mm: Vector = [offset[0] * spacing[0], offset[1] * spacing[1], offset[2] * spacing[2]];
    const squared = dot(mm, mm);
    if (this.brush.shape === 'ball') return squared <= this.brush.radiusMm ** 2;
    const normal = axes.map((axis) => dot(axis, this.through)) as unknown as Vector;
    const deep = dot(mm, normal);
    const half = normal.reduce((sum, part, i) => sum + Math.abs(part) * (spacing[i] as number), 0) / 2;
    // Half open: a plane that runs between two layers of voxels paints one of them.
    return deep > -half + 1e-6 && deep <= half + 1e-6 && squared - deep ** 2 <= this.brush.radiusMm ** 2;
  }
}
