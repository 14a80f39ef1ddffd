import { describe, expect, it } from 'vitest';
import { keep, type Move, move } from '../src/pages/list/selection';

const walk = (start: number | null, count: number, ...moves: Move[]) =>
  moves.reduce<number | null>((row, how) => move(row, count, how), start);

describe('walking through the list', () => {
  it('starts at the top going down and at the bottom going up', () => {
    expect(walk(null, 3, 'down')).toBe(0);
    expect(walk(null, 3, 'up')).toBe(2);
  });

  it('stops at both ends', () => {
    expect(walk(null, 3, 'down', 'down', 'down', 'down')).toBe(2);
    expect(walk(2, 3, 'up', 'up', 'up')).toBe(0);
  });

  it('jumps to the ends', () => {
    expect(walk(1, 5, 'last')).toBe(4);
    expect(walk(4, 5, 'first')).toBe(0);
  });

  it('selects nothing where nothing is', () => {
    for (const how of ['down', 'up', 'first', 'last'] as const) expect(move(0, 0, how)).toBeNull();
  });
});

describe('the selection, when the rows change under it', () => {
  it('stays with its case', () => {
    expect(keep(1, [10, 20, 30], [5, 10, 20])).toBe(2);
  });

  it('stays in its place when its case has gone', () => {
    expect(keep(1, [10, 20, 30], [10, 30])).toBe(1);
    expect(keep(2, [10, 20, 30], [10])).toBe(0);
  });

  it('is nothing when it was nothing, or when no row is left', () => {
    expect(keep(null, [10], [10])).toBeNull();
    expect(keep(0, [10], [])).toBeNull();
  });
});
