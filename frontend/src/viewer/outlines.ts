/** The lines of a mark, in pixels of its frame. */

import type { Plane } from './plane';
import type { Mark, Point } from './types';

export type Drawn = Pick<Mark, 'kind' | 'points_px'>;

export interface Line {
  points: readonly Point[];
  closed: boolean;
}

const CORNERS = 128;

/** All that is drawn of a mark; of a landmark, its point. */
export function linesOf(mark: Drawn, plane: Plane): Line[] {
  const outline = outlineOf(mark, plane);
  if (outline) return [{ points: outline, closed: true }];
  const { kind, points_px: points } = mark;
  if (kind !== 'bidirectional' && kind !== 'cobb_angle') return [{ points, closed: false }];
  return [points.slice(0, 2), points.slice(2, 4)].map((pair) => ({ points: pair, closed: false }));
}

/** The middle of the corners that a mark is made of. */
export function middleOf({ points_px: points }: Drawn): Point {
  const sum = points.reduce<Point>(([x, y], [column, row]) => [x + column, y + row], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

/** Null for marks that enclose nothing. */
export function outlineOf({ kind, points_px: points }: Drawn, plane: Plane): Point[] | null {
  switch (kind) {
    case 'contour':
      return points;
    case 'box': {
      const [[left, top], [right, bottom]] = points as [Point, Point];
      return [
        [left, top],
        [right, top],
        [right, bottom],
        [left, bottom],
      ];
    }
    case 'circle':
      return circle(points as [Point, Point], plane);
    case 'ellipse':
      return ellipse(points as [Point, Point, Point, Point]);
    default:
      return null;
  }
}

/** Round in millimetres: on oblong pixels it is none in pixels. */
function circle([centre, edge]: readonly [Point, Point], plane: Plane): Point[] {
  const { columnSpacing, rowSpacing } = plane;
  const radius = Math.hypot((edge[0] - centre[0]) * columnSpacing, (edge[1] - centre[1]) * rowSpacing);
  return around((x, y) => [centre[0] + (x * radius) / columnSpacing, centre[1] + (y * radius) / rowSpacing]);
}

function ellipse([a, b, c, d]: readonly [Point, Point, Point, Point]): Point[] {
  const half = (from: Point, to: Point): Point => [(to[0] - from[0]) / 2, (to[1] - from[1]) / 2];
  const [u, v] = [half(a, b), half(c, d)];
  const centre: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  return around((x, y) => [centre[0] + x * u[0] + y * v[0], centre[1] + x * u[1] + y * v[1]]);
}

const around = (place: (x: number, y: number) => Point): Point[] =>
  Array.from({ length: CORNERS }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return place(Math.cos(angle), Math.sin(angle));
  });
