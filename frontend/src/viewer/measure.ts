/** What a mark measures: lengths and areas in mm (px where the image is not calibrated), angles in degrees. */

import { decimal } from '../strings/format';
import { type Plane, planeOf } from './plane';
import type { Mark, Point, SeriesDisplay } from './types';

type Measured = Pick<Mark, 'kind' | 'points_px'>;

/** The index of the frame that the mark lies on; -1 if it is in another series. */
type Placed = Pick<Mark, 'sop_instance_uid' | 'frame'>;

export function frameIndexOf(series: SeriesDisplay, mark: Placed): number {
  return series.frames.findIndex(
    ({ sop_instance_uid, frame }) => sop_instance_uid === mark.sop_instance_uid && frame === mark.frame,
  );
}

/** The measurement of a mark anywhere in the case; '' if there is nothing to measure. */
export function measurementOf(mark: Mark, all: readonly SeriesDisplay[]): string {
  for (const series of all) {
    const index = frameIndexOf(series, mark);
    if (index >= 0) return measure(mark, planeOf(series, index));
  }
  return '';
}

export function measure({ kind, points_px }: Measured, plane: Plane): string {
  const scaled = points_px.map(([column, row]): Point => [
    column * plane.columnSpacing,
    row * plane.rowSpacing,
  ]);
  const unit = plane.calibrated ? 'mm' : 'px';
  const [a, b, c, d] = scaled as [Point, Point, Point, Point];
  switch (kind) {
    case 'length':
      return `${decimal(distance(a, b), 1)} ${unit}`;
    case 'polyline':
      return `${decimal(pathLength(scaled), 1)} ${unit}`;
    case 'circle':
      return `Ø ${decimal(2 * distance(a, b), 1)} ${unit}`;
    case 'ellipse':
    case 'bidirectional':
      return `${decimal(distance(a, b), 1)} × ${decimal(distance(c, d), 1)} ${unit}`;
    case 'contour':
      return `${decimal(area(scaled), 1)} ${unit}²`;
    case 'angle':
      return degrees(between(minus(a, b), minus(c, b)));
    case 'cobb_angle':
      return degrees(between(rightwards(a, b), rightwards(c, d)));
    default:
      return '';
  }
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
const distance = (a: Point, b: Point): number => Math.hypot(...minus(a, b));
const cross = (a: Point, b: Point): number => a[0] * b[1] - a[1] * b[0];
const degrees = (radians: number): string => `${decimal((radians * 180) / Math.PI, 1)}°`;

const between = (u: Point, v: Point): number => Math.abs(Math.atan2(cross(u, v), u[0] * v[0] + u[1] * v[1]));

/** The same line whichever end was drawn first: endplates tilt, they do not turn over. */
const rightwards = (a: Point, b: Point): Point => (a[0] <= b[0] ? minus(b, a) : minus(a, b));

const pathLength = (points: readonly Point[]): number =>
  points.slice(1).reduce((sum, point, i) => sum + distance(points[i] as Point, point), 0);

const area = (points: readonly Point[]): number =>
  Math.abs(points.reduce((sum, point, i) => sum + cross(points.at(i - 1) as Point, point), 0)) / 2;
