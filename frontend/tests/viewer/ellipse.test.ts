import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceTo, turned } from '../../src/viewer/ellipse';
import { planeOf } from '../../src/viewer/plane';
import { drawMark, readPoints } from '../../src/viewer/shapes';
import type { Mark, Point } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

const ends = (angle: number, a: number, b: number, [x, y]: Point = [200, 150]): Point[] => {
  const at = (turn: number, radius: number): Point => [
    x + radius * Math.cos(angle + turn),
    y + radius * Math.sin(angle + turn),
  ];
  return [at(-Math.PI / 2, b), at(Math.PI / 2, b), at(Math.PI, a), at(0, a)];
};
const half = (p: Point, q: Point) => Math.hypot(q[0] - p[0], q[1] - p[1]) / 2;
const angles = fc.double({ min: -1.5, max: 1.5, noNaN: true });
const radii = fc.double({ min: 5, max: 90, noNaN: true });

describe('an end of an axis that is dragged', () => {
  it('takes its axis along; the other keeps its length, stays square to it, and the centre stays', () => {
    const place = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 300 }));
    fc.assert(
      fc.property(angles, radii, radii, fc.integer({ min: 0, max: 3 }), place, (angle, a, b, index, to) => {
        fc.pre(Math.hypot(to[0] - 200, to[1] - 150) > 3);
        const before = ends(angle, a, b);
        const after = turned(before, index, to) as [Point, Point, Point, Point];
        const [p, q, r, s] = after;
        expect((p[0] + q[0]) / 2).toBeCloseTo(200, 6);
        expect((r[1] + s[1]) / 2).toBeCloseTo(150, 6);
        const square = (q[0] - p[0]) * (s[0] - r[0]) + (q[1] - p[1]) * (s[1] - r[1]);
        expect(square / (half(p, q) * half(r, s))).toBeCloseTo(0, 6);
        expect(index < 2 ? half(r, s) : half(p, q)).toBeCloseTo(index < 2 ? a : b, 6);
        const [x, y] = after[index] as Point;
        // At most the snap away from the hand.
        expect(Math.hypot(x - to[0], y - to[1])).toBeLessThan(Math.hypot(to[0] - 200, to[1] - 150) * 0.08);
      }),
    );
  });

  it('snaps to upright', () => {
    expect(turned(ends(0, 60, 40), 3, [280, 153])[3]).toEqual([280, 150]);
    expect(turned(ends(0, 60, 40), 3, [280, 170])[3]).toEqual([280, 170]);
  });
});

it('the distance to an ellipse is 0 on its line and about right beside it', () => {
  const turnedEnds = ends(0.6, 60, 60);
  expect(distanceTo(turnedEnds, [260, 150])).toBeCloseTo(0, 6);
  expect(distanceTo(turnedEnds, [265, 150])).toBeCloseTo(5, 6);
  const long = ends(0.6, 80, 30);
  for (const end of long) expect(distanceTo(long, end)).toBeCloseTo(0, 6);
  expect(distanceTo(long, [200, 150])).toBeCloseTo(30, 6);
});

it('a turned ellipse is read as it was drawn, again and again, so that looking at it changes nothing', () => {
  const plane = planeOf(fakeSeries(), 0);
  fc.assert(
    fc.property(angles, radii, radii, (angle, a, b) => {
      const handles = ends(angle, a, b, [30, 30]);
      const drawing = { handles, outline: [] };
      const flat = { ...plane, position: [0, 0, 0], across: [1, 0, 0], down: [0, 1, 0] } as typeof plane;
      const square = { ...flat, columnSpacing: 1, rowSpacing: 1 };
      const world = { ...drawing, handles: handles.map(([x, y]) => [x, y, 0] as const) };
      const first = readPoints('ellipse', world, square);
      const mark = { kind: 'ellipse', points_px: first } as Mark;
      expect(readPoints('ellipse', drawMark(mark, square), square)).toEqual(first);
      expect(half(first[0] as Point, first[1] as Point)).toBeCloseTo(Math.max(a, b), 2);
    }),
  );
});
