import { describe, expect, it } from 'vitest';
import { promptOf, thinned } from '../../src/viewer/prompts';

const size = { rows: 20, columns: 30 };
const mode = { positive: true, drag: 'box' } as const;

describe('what was drawn', () => {
  it('is a point after a click, with the sign of its mode', () => {
    expect(promptOf([[4.12345, 5]], { ...mode, positive: false }, 3, size)).toEqual({
      kind: 'point',
      positive: false,
      frame: 3,
      points: [[4.123, 5]],
    });
  });

  it('is a box between where the drag began and ended, within the image, and never negative', () => {
    const drawn = [
      [-3, 4],
      [10, 10],
      [40, 12],
    ] as const;
    expect(promptOf(drawn, { ...mode, positive: false }, 0, size)).toEqual({
      kind: 'box',
      positive: true,
      frame: 0,
      points: [
        [-0.5, 4],
        [29.5, 12],
      ],
    });
  });

  it('is a scribble of what lies within the image', () => {
    const drawn = [
      [2, 2],
      [2.1, 2],
      [9, 2],
      [60, 2],
    ] as const;
    expect(promptOf(drawn, { positive: true, drag: 'scribble' }, 0, size)?.points).toEqual([
      [2, 2],
      [9, 2],
    ]);
  });

  it('is nothing outside the image', () => {
    expect(promptOf([[31, 4]], mode, 0, size)).toBeNull();
    expect(promptOf([], mode, 0, size)).toBeNull();
  });
});

it('a long line keeps its ends and at most a thousand points', () => {
  const line = Array.from({ length: 5000 }, (_, at) => [at, 0] as const);
  const thin = thinned(line);
  expect(thin.length).toBeLessThanOrEqual(1000);
  expect(thin.at(-1)).toEqual([4999, 0]);
});
