/** Lines of one plane in another: reference lines, crosshairs, and marks where a plane cuts them. */

import { frameIndexOf } from './measure';
import { linesOf } from './outlines';
import { cross, type Plane, planeOf, toWorld } from './plane';
import { distanceTo, dot } from './section';
import type { Mark, Point, SeriesDisplay, Vector } from './types';

export interface Guide {
  id: string;
  from: Vector;
  to: Vector;
  colour: string;
  dash: string;
  width: number;
  /** The line leaves this point free, so that what lies there is seen. */
  gap: Vector | null;
  label: string;
}

const PARALLEL = 1e-3;

/** Where a plane is cut by a frame, as far as the frame reaches; null where they are parallel or apart. */
export function crossing(series: SeriesDisplay, index: number, on: Plane): [Vector, Vector] | null {
  const plane = planeOf(series, index);
  const { rows, columns } = { ...series, ...series.frames[index] };
  const direction = cross(cross(plane.across, plane.down), cross(on.across, on.down));
  if (Math.hypot(...direction) < PARALLEL) return null;
  // In the frame's own pixels, the distance to the other plane is linear: where it is 0 is the line.
  const far = (point: Point): number => distanceTo(on, toWorld(plane, point));
  const at0 = far([0, 0]);
  const [a, b] = [far([1, 0]) - at0, far([0, 1]) - at0];
  const ends = clip(a, b, -at0, [-0.5, columns - 0.5], [-0.5, rows - 0.5]);
  return ends && [toWorld(plane, ends[0]), toWorld(plane, ends[1])];
}

/** The part of the line a·x + b·y = c within a rectangle. */
function clip(
  a: number,
  b: number,
  c: number,
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
): [Point, Point] | null {
  const found: Point[] = [];
  const take = (point: Point): void => {
    const near = found.some((one) => Math.hypot(one[0] - point[0], one[1] - point[1]) < 1e-6);
    if (!near && Number.isFinite(point[0]) && Number.isFinite(point[1])) found.push(point);
  };
  for (const x of [left, right]) {
    const y = (c - a * x) / b;
    if (y >= top - 1e-9 && y <= bottom + 1e-9) take([x, y]);
  }
  for (const y of [top, bottom]) {
    const x = (c - b * y) / a;
    if (x >= left - 1e-9 && x <= right + 1e-9) take([x, y]);
  }
  return found.length >= 2 ? [found[0] as Point, found[1] as Point] : null;
}

/**
 * What is seen of a mark in a plane through the volume that its series is: its whole outline where the
 * plane runs along its image and within half a slice of it, the chords that the plane cuts out of what is
 * closed, and a point where it cuts a line.
 */
export function cut(mark: Mark, source: SeriesDisplay, on: Plane, halfStep: number): [Vector, Vector][] {
  const index = frameIndexOf(source, mark);
  if (index < 0) return [];
  const plane = planeOf(source, index);
  const flat = Math.abs(dot(cross(plane.across, plane.down), cross(on.across, on.down))) > 1 - PARALLEL;
  const reach = Math.max(halfStep, flat ? (source.slice_spacing ?? 0) / 2 : 0) + 1e-6;
  return linesOf(mark, plane).flatMap(({ points, closed }) => {
    const world = points.map((point) => toWorld(plane, point));
    const pairs = pairsOf(world, closed);
    if (world.length === 1 || flat) {
      const within = world.every((point) => Math.abs(distanceTo(on, point)) <= reach);
      return within ? (pairs.length ? pairs : world.map((point): [Vector, Vector] => [point, point])) : [];
    }
    const hits = pairs.flatMap(([p, q]) => hit(p, q, on));
    return closed ? chords(hits) : hits.map((point): [Vector, Vector] => [point, point]);
  });
}

function pairsOf(world: readonly Vector[], closed: boolean): [Vector, Vector][] {
  const next = closed ? [...world.slice(1), world[0] as Vector] : world.slice(1);
  return next.map((point, i) => [world[i] as Vector, point]);
}

function hit(p: Vector, q: Vector, on: Plane): Vector[] {
  const [a, b] = [distanceTo(on, p), distanceTo(on, q)];
  if ((a < 0 && b < 0) || (a >= 0 && b >= 0)) return [];
  const share = a / (a - b);
  return [[0, 1, 2].map((i) => (p[i] as number) + share * ((q[i] as number) - (p[i] as number))) as never];
}

function chords(hits: readonly Vector[]): [Vector, Vector][] {
  if (hits.length < 2) return [];
  const [first, second] = hits as [Vector, Vector];
  const direction = second.map((value, i) => value - (first[i] as number)) as unknown as Vector;
  const sorted = [...hits].sort((p, q) => dot(p, direction) - dot(q, direction));
  const found: [Vector, Vector][] = [];
  for (let i = 0; i + 1 < sorted.length; i += 2) found.push([sorted[i] as Vector, sorted[i + 1] as Vector]);
  return found;
}
