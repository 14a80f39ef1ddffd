import { expect, it } from 'vitest';
import { bordersOf } from '../../src/viewer/mask-outline';
import type { Point } from '../../src/viewer/types';

const frameOf = (...rows: string[]): [Uint8Array, number, number] => {
  const columns = rows[0]?.length ?? 0;
  return [Uint8Array.from(rows.join(''), Number), rows.length, columns];
};

/** Signed: what a line goes round clockwise counts, a hole counts against it. */
const area = (lines: Point[][]): number =>
  lines.reduce((sum, line) => {
    const twice = line.reduce((total, [x, y], i) => {
      const [nextX, nextY] = line[(i + 1) % line.length] as Point;
      return total + x * nextY - nextX * y;
    }, 0);
    return sum + twice / 2;
  }, 0);

it('one pixel is a square around its centre', () => {
  expect(bordersOf(...frameOf('000', '010', '000'), 1)).toEqual([
    [
      [0.5, 0.5],
      [1.5, 0.5],
      [1.5, 1.5],
      [0.5, 1.5],
    ],
  ]);
});

it('straight borders have corners at their ends alone, also at the edge of the image', () => {
  const [line] = bordersOf(...frameOf('1111', '1111'), 1);
  expect(line).toHaveLength(4);
});

it('lines enclose as many pixels as have the value, holes left out', () => {
  const frame = frameOf('0111110', '0100010', '0101010', '0111110', '2000001');
  expect(area(bordersOf(...frame, 1))).toBe([...frame[0]].filter((value) => value === 1).length);
  expect(area(bordersOf(...frame, 2))).toBe(1);
  expect(bordersOf(...frame, 3)).toEqual([]);
});

it('pixels that touch at a corner are enclosed too', () => {
  const frame = frameOf('1010', '0101', '1010');
  expect(area(bordersOf(...frame, 1))).toBe(6);
});
