import { expect, it } from 'vitest';
import { Labelmap } from '../../src/viewer/labelmap';
import { linesOf, MaskBorders } from '../../src/viewer/suggested';
import { DRAWN_KINDS, type Point } from '../../src/viewer/types';

it('every kind of mark has lines that stay within what it covers', () => {
  const points: Point[] = [
    [10, 20],
    [30, 20],
    [20, 15],
    [20, 25],
  ];
  for (const kind of DRAWN_KINDS) {
    const { lines } = linesOf({ kind, points_px: points });
    expect(lines.flat().length, kind).toBeGreaterThan(1);
    expect(
      lines.flat().every((point) => point.every(Number.isFinite)),
      kind,
    ).toBe(true);
  }
});

it('an ellipse ends where its axes end, a circle has its radius', () => {
  const axes: Point[] = [
    [0, 10],
    [40, 10],
    [20, 0],
    [20, 20],
  ];
  const [ellipse] = linesOf({ kind: 'ellipse', points_px: axes }).lines as [Point[]];
  expect(Math.max(...ellipse.map(([x]) => x))).toBeCloseTo(40);
  expect(Math.min(...ellipse.map(([, y]) => y))).toBeCloseTo(0);
  const circle = linesOf({
    kind: 'circle',
    points_px: [
      [5, 5],
      [8, 9],
    ],
  }).lines[0] as Point[];
  for (const [x, y] of circle) expect(Math.hypot(x - 5, y - 5)).toBeCloseTo(5);
});

it('the borders of a frame are found once, and anew for another frame', () => {
  const map = new Labelmap(2, 2, 2, Uint8Array.from([1, 0, 0, 0, 1, 1, 1, 1]));
  const borders = new MaskBorders(map);
  const first = borders.on(0, 1);
  expect(borders.on(0, 1)).toBe(first);
  expect(borders.on(1, 1)).not.toEqual(first);
  expect(borders.on(0, 1)).toEqual(first);
});
