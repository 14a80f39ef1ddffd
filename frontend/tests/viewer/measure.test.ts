import { describe, expect, it } from 'vitest';
import { frameIndexOf, measure, measurementOf } from '../../src/viewer/measure';
import { planeOf } from '../../src/viewer/plane';
import type { Mark, MarkKind, Point } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

const flat = (...numbers: number[]): Point[] =>
  Array.from({ length: numbers.length / 2 }, (_, i): Point => [
    numbers[2 * i] as number,
    numbers[2 * i + 1] as number,
  ]);

const PLANES = {
  square: planeOf(fakeSeries({ spacing: [0.5, 0.5] }), 0),
  oblong: planeOf(fakeSeries({ spacing: [2, 0.5] }), 0),
  unknown: planeOf(fakeSeries({ spacing: null }), 0),
};

type Case = [MarkKind, keyof typeof PLANES, Point[], string];
const CASES: Case[] = [
  ['length', 'oblong', flat(0, 0, 6, 2), '5.0 mm'],
  ['length', 'unknown', flat(0, 0, 3, 4), '5.0 px'],
  ['polyline', 'square', flat(0, 0, 6, 8, 6, 18), '10.0 mm'],
  ['circle', 'square', flat(10, 10, 13, 14), 'Ø 5.0 mm'],
  ['ellipse', 'oblong', flat(5, 0, 5, 10, 0, 5, 10, 5), '20.0 × 5.0 mm'],
  ['bidirectional', 'square', flat(0, 0, 40, 0, 20, -10, 20, 10), '20.0 × 10.0 mm'],
  ['contour', 'oblong', flat(0, 0, 10, 0, 10, 10, 0, 10), '100.0 mm²'],
  ['contour', 'unknown', flat(0, 0, 0, 10, 10, 10, 10, 0), '100.0 px²'],
  ['angle', 'square', flat(10, 0, 0, 0, 0, 7), '90.0°'],
  ['angle', 'square', flat(-10, 1e-9, 0, 0, 10, 0), '180.0°'],
  ['angle', 'oblong', flat(8, 2, 0, 0, 8, 0), '45.0°'],
  ['landmark', 'square', flat(1, 1), ''],
  ['arrow', 'square', flat(1, 1, 9, 9), ''],
  ['box', 'square', flat(1, 1, 9, 9), ''],
];

it.each(CASES)('a %s (%s pixels) at %j measures %s', (kind, plane, points_px, text) => {
  expect(measure({ kind, points_px }, PLANES[plane])).toBe(text);
});

describe('a Cobb angle', () => {
  const cobb = (...numbers: number[]) =>
    measure({ kind: 'cobb_angle', points_px: flat(...numbers) }, PLANES.square);

  it('is the tilt of one endplate against the other, whichever end was drawn first', () => {
    expect(cobb(0, 0, 10, 10, 0, 40, 10, 30)).toBe('90.0°');
    expect(cobb(10, 10, 0, 0, 0, 40, 10, 30)).toBe('90.0°');
    expect(cobb(10, 10, 0, 0, 10, 30, 0, 40)).toBe('90.0°');
  });

  it('may be larger than a right angle', () => {
    expect(cobb(0, 0, 10, 17.3205, 0, 40, 10, 22.6795)).toBe('120.0°');
  });

  it('is nought between parallel lines', () => {
    expect(cobb(0, 0, 10, 3, 10, 23, 0, 20)).toBe('0.0°');
  });
});

it('a mark is measured on the image that it lies on, in whichever series that is', () => {
  const here = fakeSeries({ frames: 3, spacing: [1, 1] });
  const there = fakeSeries({ frames: 2, spacing: [2, 2] });
  there.frames.forEach((frame) => (frame.sop_instance_uid = `9.9.${frame.index}`));
  const mark = {
    kind: 'length',
    points_px: flat(0, 0, 3, 4),
    sop_instance_uid: '9.9.1',
    frame: 1,
  } as Mark;
  expect(frameIndexOf(here, mark)).toBe(-1);
  expect(frameIndexOf(there, mark)).toBe(1);
  expect(measurementOf(mark, [here, there])).toBe('10.0 mm');
  expect(measurementOf(mark, [here])).toBe('');
});
