/** The closed outline of a mark, in pixels of its frame. */

import type { Plane } from './plane';
import type { Mark, Point } from './types';

const CORNERS = 128;

/** Null for marks that enclose nothing. */
export function outlineOf({ kind, points_px: points }: Mark, plane: Plane): Point[] | null {
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
