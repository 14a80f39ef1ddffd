/**
 * The plane a frame lies in: pixel to patient space and back, the letters at its edges, the scale bar.
 * Pixel centres lie at integer coordinates, as DICOM defines it (PS3.3 C.7.6.2.1.1).
 */

import type { FrameDescription, Point, SeriesDisplay, Vector } from './types';

export interface Plane {
  position: Vector;
  /** Direction in which the column number grows. */
  across: Vector;
  /** Direction in which the row number grows. */
  down: Vector;
  /** Millimetres between pixel centres along a row and along a column; 1 where nobody knows. */
  columnSpacing: number;
  rowSpacing: number;
  /** False where position and orientation are made up for display only. */
  real: boolean;
  calibrated: boolean;
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function isPlaced(series: SeriesDisplay): boolean {
  return (
    series.geometry !== 'unknown' &&
    series.frames.every((frame) => frame.position !== null && frame.orientation?.length === 6)
  );
}

const placed = new WeakMap<SeriesDisplay, boolean>();

/** Whether all frames of the series have a known place in the patient. */
export function hasGeometry(series: SeriesDisplay): boolean {
  let known = placed.get(series);
  if (known === undefined) {
    known = isPlaced(series);
    placed.set(series, known);
  }
  return known;
}

export function planeOf(series: SeriesDisplay, index: number): Plane {
  const frame = series.frames[index] as FrameDescription;
  const spacing = frame.pixel_spacing ?? series.pixel_spacing;
  const [rowSpacing, columnSpacing] = spacing ?? [1, 1];
  const scale = { rowSpacing, columnSpacing, calibrated: spacing !== null };
  if (!hasGeometry(series)) {
    return { ...scale, position: [0, 0, index], across: [1, 0, 0], down: [0, 1, 0], real: false };
  }
  const o = frame.orientation as number[];
  return {
    ...scale,
    position: frame.position as Vector,
    across: [o[0] as number, o[1] as number, o[2] as number],
    down: [o[3] as number, o[4] as number, o[5] as number],
    real: true,
  };
}

export function toWorld(plane: Plane, [column, row]: Point): Vector {
  const x = column * plane.columnSpacing;
  const y = row * plane.rowSpacing;
  const along = (axis: 0 | 1 | 2): number =>
    plane.position[axis] + x * plane.across[axis] + y * plane.down[axis];
  return [along(0), along(1), along(2)];
}

/** The pixel coordinates of the foot of the point on the plane. */
export function toPixel(plane: Plane, world: Vector): Point {
  const offset = minus(world, plane.position);
  return [dot(offset, plane.across) / plane.columnSpacing, dot(offset, plane.down) / plane.rowSpacing];
}

const LETTERS: readonly [string, string][] = [
  ['L', 'R'],
  ['P', 'A'],
  ['H', 'F'],
];

/** The patient direction of a vector as up to two letters, strongest first: 'L', 'AL', 'HP'. */
export function directionLetters(direction: Vector): string {
  return direction
    .map((value, axis) => ({ size: Math.abs(value), letter: LETTERS[axis]?.[value < 0 ? 1 : 0] ?? '' }))
    .filter(({ size }) => size > 0.25)
    .sort((a, b) => b.size - a.size)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join('');
}

export interface EdgeLetters {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

/** What lies beyond each edge of the image; nothing where the series has no known orientation. */
export function edgeLetters(plane: Plane): EdgeLetters {
  if (!plane.real) return { left: '', right: '', top: '', bottom: '' };
  const opposite = (v: Vector): Vector => [-v[0], -v[1], -v[2]];
  return {
    left: directionLetters(opposite(plane.across)),
    right: directionLetters(plane.across),
    top: directionLetters(opposite(plane.down)),
    bottom: directionLetters(plane.down),
  };
}

/** A round length in mm that takes between 10 and 25 % of the width shown; null if not calibrated. */
export function scaleBar(mmPerScreenPixel: number, widthPx: number): { mm: number; px: number } | null {
  if (!Number.isFinite(mmPerScreenPixel) || mmPerScreenPixel <= 0 || widthPx <= 0) return null;
  const longest = widthPx * 0.25 * mmPerScreenPixel;
  const power = 10 ** Math.floor(Math.log10(longest));
  const step = [5, 2, 1].find((factor) => factor * power <= longest) ?? 1;
  const mm = step * power;
  return { mm, px: mm / mmPerScreenPixel };
}
