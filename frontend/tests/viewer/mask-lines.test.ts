import { describe, expect, it } from 'vitest';
import { cornersOf, linesAround } from '../../src/viewer/mask-lines';

const COLUMNS = 5;
const labels = (...rows: string[]): Uint8Array =>
  Uint8Array.from(rows.join(''), (one) => (one === '.' ? 0 : Number(one)));

describe('the lines around what is painted', () => {
  it('run along the edges of pixels, straight ones as one', () => {
    const found = linesAround(labels('.....', '.11..', '.11..', '.....'), 4, COLUMNS);
    expect([...found.keys()]).toEqual([1]);
    expect(found.get(1)).toEqual([
      [1, 1, 3, 1],
      [1, 3, 3, 3],
      [1, 1, 1, 3],
      [3, 1, 3, 3],
    ]);
  });

  it('close areas at the border of the image and around holes', () => {
    const found = linesAround(labels('111', '1.1', '111'), 3, 3);
    const length = (lines: readonly (readonly number[])[] = []) =>
      lines.reduce((sum, [x0 = 0, y0 = 0, x1 = 0, y1 = 0]) => sum + x1 - x0 + y1 - y0, 0);
    expect(length(found.get(1))).toBe(4 * 3 + 4);
  });

  it('belong to the labels on both sides', () => {
    const found = linesAround(labels('12'), 1, 2);
    expect(found.get(1)).toContainEqual([1, 0, 1, 1]);
    expect(found.get(2)).toContainEqual([1, 0, 1, 1]);
  });

  it('are none where nothing is painted', () => {
    expect(linesAround(labels('.....'), 1, COLUMNS).size).toBe(0);
  });
});

it('says beside which pixel the name of each class belongs', () => {
  expect(cornersOf(labels('.....', '.11..', '...1.', '..2..'), COLUMNS)).toEqual(
    new Map([
      [1, [2, 1]],
      [2, [2, 3]],
    ]),
  );
});
