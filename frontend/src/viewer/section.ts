/**
 * Planes through a volume: axial, sagittal and coronal in the patient's own directions, whatever way the
 * slices were acquired. A plane is described as a series of its own, so that it is shown as any other is.
 * Where the voxel grid lies along these directions, planes hold the stored values; elsewhere they are
 * interpolated between the eight voxels around each point.
 */

import { t } from '../strings';
import { cross, hasGeometry, type Plane, planeOf } from './plane';
import type { FrameDescription, PlaneName, SeriesDisplay, Vector } from './types';
import { isColour } from './windows';

export const PLANES: readonly PlaneName[] = ['axial', 'sagittal', 'coronal'];
export const LARGEST_VOLUME = 1024 ** 3;
const MOST_PIXELS = 2048;
/** One degree: closer than this to the patient's directions, the voxel grid itself is shown. */
const ALONG = Math.cos(Math.PI / 180);

export type Voxels = Uint8Array | Int16Array | Uint16Array | Float32Array;

interface Directions {
  across: Vector;
  down: Vector;
  through: Vector;
}

/** Patient on the back, seen from the feet, from the left, from the front: as films are hung. */
const DIRECTIONS: Record<PlaneName, Directions> = {
  axial: { across: [1, 0, 0], down: [0, 1, 0], through: [0, 0, 1] },
  sagittal: { across: [0, 1, 0], down: [0, 0, -1], through: [1, 0, 0] },
  coronal: { across: [1, 0, 0], down: [0, 0, -1], through: [0, 1, 0] },
};

/** The grid of voxels: where the centre of the first lies, and the way to the next along each axis, in mm. */
export interface Box {
  origin: Vector;
  axes: readonly [column: Vector, row: Vector, frame: Vector];
  spacing: Vector;
  size: Vector;
}

/** The grid of pixels of all parallel planes; `count` of them, `step` mm apart. */
export interface Grid extends Directions {
  origin: Vector;
  columnSpacing: number;
  rowSpacing: number;
  step: number;
  columns: number;
  rows: number;
  count: number;
  /** Every pixel is a voxel. */
  aligned: boolean;
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const along = (from: Vector, direction: Vector, mm: number): Vector => [
  from[0] + direction[0] * mm,
  from[1] + direction[1] * mm,
  from[2] + direction[2] * mm,
];

const bytesOf = (series: SeriesDisplay): number =>
  series.rows * series.columns * series.frame_count * (series.bits_allocated > 8 ? 2 : 1);

/** Why no planes can be laid through the series, in a sentence; '' if they can. */
export function whyNoPlanes(series: SeriesDisplay): string {
  if (series.frame_count < 2) return t('mpr.oneImage');
  if (isColour(series)) return t('mpr.colour');
  if (series.geometry === 'unknown' || !hasGeometry(series)) return t('mpr.noPlace');
  if (series.geometry !== 'volume') return t('mpr.irregular', { note: series.fidelity.note }).trim();
  if (!series.pixel_spacing || !series.slice_spacing) return t('mpr.noSpacing');
  if (bytesOf(series) > LARGEST_VOLUME) return t('mpr.tooLarge');
  return '';
}

export function boxOf(series: SeriesDisplay): Box {
  const first = planeOf(series, 0);
  const last = planeOf(series, series.frame_count - 1);
  const travel = minus(last.position, first.position);
  const length = Math.hypot(...travel);
  return {
    origin: first.position,
    axes: [first.across, first.down, along([0, 0, 0], travel, 1 / length)],
    spacing: [first.columnSpacing, first.rowSpacing, length / (series.frame_count - 1)],
    size: [series.columns, series.rows, series.frame_count],
  };
}

/** Column, row and frame of a point in the patient; the centres of voxels lie at integers. */
export function toVoxel(box: Box, world: Vector): Vector {
  const offset = minus(world, box.origin);
  const on = (axis: 0 | 1 | 2): number => dot(offset, box.axes[axis]) / box.spacing[axis];
  return [on(0), on(1), on(2)];
}

export function fromVoxel({ origin, axes, spacing }: Box, voxel: Vector): Vector {
  return ([0, 1, 2] as const).reduce(
    (point, axis) => along(point, axes[axis], voxel[axis] * spacing[axis]),
    origin,
  );
}

export function gridOf(box: Box, name: PlaneName): Grid {
  const wanted = DIRECTIONS[name];
  return alignedGrid(box, wanted) ?? interpolatedGrid(box, wanted);
}

function alignedGrid(box: Box, { across, down, through }: Directions): Grid | null {
  const axes = [across, down, through].map((direction) =>
    box.axes.findIndex((axis) => Math.abs(dot(axis, direction)) >= ALONG),
  );
  if (axes.includes(-1) || new Set(axes).size < 3) return null;
  const [u, v, w] = axes as [0 | 1 | 2, 0 | 1 | 2, 0 | 1 | 2];
  const sign = (axis: 0 | 1 | 2, direction: Vector): 1 | -1 => (dot(box.axes[axis], direction) < 0 ? -1 : 1);
  const turned = (axis: 0 | 1 | 2, by: number): Vector => along([0, 0, 0], box.axes[axis], by);
  let origin = box.origin;
  for (const [axis, direction] of [
    [u, across],
    [v, down],
    [w, through],
  ] as const) {
    if (sign(axis, direction) < 0)
      origin = along(origin, box.axes[axis], (box.size[axis] - 1) * box.spacing[axis]);
  }
  return {
    origin,
    across: turned(u, sign(u, across)),
    down: turned(v, sign(v, down)),
    through: turned(w, sign(w, through)),
    columnSpacing: box.spacing[u],
    rowSpacing: box.spacing[v],
    step: box.spacing[w],
    columns: box.size[u],
    rows: box.size[v],
    count: box.size[w],
    aligned: true,
  };
}

function corners(box: Box): Vector[] {
  const ends = [0, 1].flatMap((c) => [0, 1].flatMap((r) => [0, 1].map((f) => [c, r, f] as const)));
  return ends.map(([c, r, f]) =>
    fromVoxel(box, [c * (box.size[0] - 1), r * (box.size[1] - 1), f * (box.size[2] - 1)]),
  );
}

function interpolatedGrid(box: Box, directions: Directions): Grid {
  const reach = (direction: Vector): readonly [number, number] => {
    const places = corners(box).map((corner) => dot(corner, direction));
    return [Math.min(...places), Math.max(...places)];
  };
  const { across, down, through } = directions;
  const [u, v, w] = [reach(across), reach(down), reach(through)];
  const longest = Math.max(u[1] - u[0], v[1] - v[0], w[1] - w[0]);
  const spacing = Math.max(Math.min(...box.spacing), longest / (MOST_PIXELS - 1));
  const count = ([from, to]: readonly [number, number]): number => Math.floor((to - from) / spacing) + 1;
  const origin = along(along(along([0, 0, 0], across, u[0]), down, v[0]), through, w[0]);
  return {
    ...directions,
    origin,
    columnSpacing: spacing,
    rowSpacing: spacing,
    step: spacing,
    columns: count(u),
    rows: count(v),
    count: count(w),
    aligned: false,
  };
}

const known = new WeakMap<SeriesDisplay, Map<PlaneName, SeriesDisplay>>();

/** The planes of that name as a series; always the same one for the same series. */
export function planesOf(source: SeriesDisplay, plane: PlaneName): SeriesDisplay {
  const made = known.get(source) ?? new Map<PlaneName, SeriesDisplay>();
  known.set(source, made);
  const display = made.get(plane) ?? describe(source, plane);
  made.set(plane, display);
  return display;
}

function describe(source: SeriesDisplay, plane: PlaneName): SeriesDisplay {
  const box = boxOf(source);
  const grid = gridOf(box, plane);
  const orientation = [...grid.across, ...grid.down];
  const middle = source.frames[Math.floor(source.frame_count / 2)] as FrameDescription;
  return {
    ...source,
    id: -(source.id * (PLANES.length + 1) + PLANES.indexOf(plane) + 1),
    version: `${source.version}-${plane}`,
    rows: grid.rows,
    columns: grid.columns,
    pixel_spacing: [grid.rowSpacing, grid.columnSpacing],
    slice_spacing: grid.step,
    frame_count: grid.count,
    frame_time_ms: null,
    rescale_slope: 1,
    rescale_intercept: 0,
    windows: middle.windows ?? source.windows,
    frames: Array.from({ length: grid.count }, (_, index) => ({
      index,
      sop_instance_uid: '',
      frame: 0,
      transfer_syntax_uid: '',
      position: along(grid.origin, grid.through, index * grid.step),
      orientation,
    })),
    section: { plane, source, box, grid },
  };
}

/** Where the first pixel of a plane lies among the voxels, and the way to the next across and down. */
export function walk(box: Box, grid: Grid, index: number): { start: Vector; across: Vector; down: Vector } {
  const origin = along(grid.origin, grid.through, index * grid.step);
  const start = toVoxel(box, origin);
  const way = (direction: Vector, mm: number): Vector =>
    minus(toVoxel(box, along(origin, direction, mm)), start);
  return { start, across: way(grid.across, grid.columnSpacing), down: way(grid.down, grid.rowSpacing) };
}

/** The pixels of one plane; `fill` outside the volume. `nearest`: of labels, which have no values between. */
export function sample(
  frames: readonly Voxels[],
  box: Box,
  grid: Grid,
  index: number,
  { fill, nearest = grid.aligned }: { fill: number; nearest?: boolean },
): Voxels {
  const first = frames[0] as Voxels;
  const Made = first.constructor as new (length: number) => Voxels;
  const out = new Made(grid.columns * grid.rows);
  const [columns, rows, count] = box.size;
  const { start, across, down } = walk(box, grid, index);
  const whole = !(first instanceof Float32Array);
  const inside = (c: number, r: number, f: number): boolean =>
    c > -0.5 && r > -0.5 && f > -0.5 && c < columns - 0.5 && r < rows - 0.5 && f < count - 0.5;
  for (let v = 0, at = 0; v < grid.rows; v++) {
    let c = start[0] + v * down[0];
    let r = start[1] + v * down[1];
    let f = start[2] + v * down[2];
    for (let u = 0; u < grid.columns; u++, at++, c += across[0], r += across[1], f += across[2]) {
      if (!inside(c, r, f)) out[at] = fill;
      else if (nearest)
        out[at] = (frames[Math.round(f)] as Voxels)[Math.round(r) * columns + Math.round(c)] as number;
      else {
        const value = between(frames, columns, rows, count, c, r, f);
        out[at] = whole ? Math.round(value) : value;
      }
    }
  }
  return out;
}

function between(
  frames: readonly Voxels[],
  columns: number,
  rows: number,
  count: number,
  column: number,
  row: number,
  frame: number,
): number {
  const c = Math.min(Math.max(column, 0), columns - 1);
  const r = Math.min(Math.max(row, 0), rows - 1);
  const f = Math.min(Math.max(frame, 0), count - 1);
  const c0 = Math.min(Math.floor(c), columns - 2);
  const r0 = Math.min(Math.floor(r), rows - 2);
  const f0 = Math.min(Math.floor(f), count - 2);
  const [dc, dr, df] = [c - c0, r - r0, f - f0];
  const near = frames[f0] as Voxels;
  const far = frames[f0 + 1] as Voxels;
  const at = r0 * columns + c0;
  const flat = (slice: Voxels): number => {
    const top = (slice[at] as number) * (1 - dc) + (slice[at + 1] as number) * dc;
    const bottom = (slice[at + columns] as number) * (1 - dc) + (slice[at + columns + 1] as number) * dc;
    return top * (1 - dr) + bottom * dr;
  };
  return flat(near) * (1 - df) + flat(far) * df;
}

const normalOf = (plane: Plane): Vector => cross(plane.across, plane.down);

/** Millimetres of a point from a plane, along its normal. */
export const distanceTo = (plane: Plane, point: Vector): number =>
  dot(minus(point, plane.position), normalOf(plane));

/** The frame of the series that a point of the patient lies on or nearest to. */
export function nearestFrame(series: SeriesDisplay, point: Vector): { index: number; mm: number } {
  let best = { index: 0, mm: Number.POSITIVE_INFINITY };
  for (let index = 0; index < series.frame_count; index++) {
    const mm = Math.abs(distanceTo(planeOf(series, index), point));
    if (mm < best.mm) best = { index, mm };
  }
  return best;
}
