/** The ends of the axes of an ellipse on the screen: turned by hand, and how near a point is to the line. */

import type { Point } from './types';

const SNAP_DEGREES = 4;

/** The four ends on the screen after one of them (0 or 1, 2 or 3 are opposite) was dragged to a point. */
export function turned(ends: readonly Point[], index: number, to: Point): Point[] {
  const [a, b, c, d] = ends as [Point, Point, Point, Point];
  const centre: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const [along, across] = index < 2 ? [[a, b] as const, [c, d] as const] : [[c, d] as const, [a, b] as const];
  const [x, y] = snapped(to[0] - centre[0], to[1] - centre[1]);
  const reach = Math.hypot(x, y);
  if (reach === 0) return [...ends];
  const half = Math.hypot(across[1][0] - across[0][0], across[1][1] - across[0][1]) / 2;
  let [u, v] = [(-y / reach) * half, (x / reach) * half];
  // The other axis does not change its ends.
  if (u * (across[0][0] - centre[0]) + v * (across[0][1] - centre[1]) < 0) [u, v] = [-u, -v];
  const side = index % 2 === 0 ? 1 : -1;
  const at = (dx: number, dy: number): Point => [centre[0] + dx, centre[1] + dy];
  const pair = [at(side * x, side * y), at(-side * x, -side * y)];
  const other = [at(u, v), at(-u, -v)];
  return along[0] === a ? [...pair, ...other] : [...other, ...pair];
}

function snapped(x: number, y: number): readonly [number, number] {
  const limit = Math.tan((SNAP_DEGREES * Math.PI) / 180);
  if (Math.abs(x) <= Math.abs(y) * limit) return [0, y];
  if (Math.abs(y) <= Math.abs(x) * limit) return [x, 0];
  return [x, y];
}

/** How far a point lies from the ellipse with these ends, about. */
export function distanceTo(ends: readonly Point[], [x, y]: Point): number {
  const [a, b, c, d] = ends as [Point, Point, Point, Point];
  const [dx, dy] = [x - (a[0] + b[0]) / 2, y - (a[1] + b[1]) / 2];
  const part = (from: Point, to: Point): [share: number, half: number] => {
    const [ux, uy] = [(to[0] - from[0]) / 2, (to[1] - from[1]) / 2];
    const half = Math.hypot(ux, uy);
    return half === 0 ? [0, 0] : [(dx * ux + dy * uy) / half ** 2, half];
  };
  const [[s, p], [t, q]] = [part(a, b), part(c, d)];
  const radius = Math.hypot(s, t);
  return radius === 0 ? Math.min(p, q) : Math.abs(1 - 1 / radius) * Math.hypot(dx, dy);
}
