import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filledBetween, gapsOf } from '../../src/voxels/between';
import { combined, COMBINATIONS } from '../../src/voxels/combine';
import { NOWHERE, squaredDistances } from '../../src/voxels/distance';
import { frameOf, type Mask, type Spacing } from '../../src/voxels/grid';
import { largest, withoutHoles, withoutSmall } from '../../src/voxels/islands';
import { grown, shrunk } from '../../src/voxels/margin';
import { count, drawing, holds, masks, masksOf, placeOf, shown, spacings } from './masks';

function slowly(mask: Mask, spacing: Spacing, to: number): number[] {
  const sites = [...mask.bytes.keys()].filter((i) => mask.bytes[i] === to).map((i) => placeOf(mask, i));
  return Array.from(mask.bytes, (_, index) => {
    const [frame, row, column] = placeOf(mask, index);
    const found = sites
      .filter(([f]) => spacing.frame !== null || f === frame)
      .map(
        ([f, r, c]) =>
          ((f - frame) * (spacing.frame ?? 0)) ** 2 +
          ((r - row) * spacing.row) ** 2 +
          ((c - column) * spacing.column) ** 2,
      );
    return Math.min(NOWHERE, ...found);
  });
}

describe('distances', () => {
  it('are those found by looking at every pair of voxels', () => {
    fc.assert(
      fc.property(masks(), spacings, fc.constantFrom<0 | 1>(0, 1), (mask, spacing, to) => {
        const found = [...squaredDistances(mask, spacing, to)];
        const wanted = slowly(mask, spacing, to);
        found.forEach((one, i) => expect(one).toBeCloseTo(wanted[i] as number, 3));
      }),
    );
  });
});

describe('a margin', () => {
  const SQUARE = { column: 1, row: 1, frame: 1 };

  it('is round', () => {
    const point = drawing('.......', '.......', '.......', '...#...', '.......', '.......', '.......');
    expect(shown(grown(point, 2, SQUARE))).toEqual([
      '.......',
      '...#...',
      '..###..',
      '.#####.',
      '..###..',
      '...#...',
      '.......',
    ]);
  });

  it('holds the shape, and shrinking is growing of what is around it', () => {
    const amounts = fc.constantFrom(0.5, 1, 1.5, 3);
    fc.assert(
      fc.property(masks(), spacings, amounts, (mask, spacing, by) => {
        const large = grown(mask, by, spacing);
        const small = shrunk(mask, by, spacing);
        expect(holds(large, mask)).toBe(true);
        expect(holds(mask, small)).toBe(true);
        const around = { ...mask, bytes: mask.bytes.map((one) => 1 - one) };
        expect([...small.bytes]).toEqual([...grown(around, by, spacing).bytes].map((one) => 1 - one));
      }),
    );
  });

  it('closes: shrinking what was grown loses nothing of the shape', () => {
    fc.assert(
      fc.property(masks(), spacings, (mask, spacing) => {
        expect(holds(shrunk(grown(mask, 1.5, spacing), 1.5, spacing), mask)).toBe(true);
      }),
    );
  });

  it('does not shrink from the edge of the image', () => {
    expect(shown(shrunk(drawing('###..', '###..', '###..'), 1, SQUARE))).toEqual(['##...', '##...', '##...']);
  });
});

/** Parts by flooding from each voxel, one after the other. */
function flooded(mask: Mask): number[] {
  const left = mask.bytes.slice();
  const sizes: number[] = [];
  const { rows, columns } = mask;
  for (let start = 0; start < left.length; start++) {
    if (!left[start]) continue;
    const waiting = [start];
    left[start] = 0;
    let size = 0;
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      size += 1;
      const [, row, column] = placeOf(mask, at);
      const beside = [
        column > 0 ? at - 1 : -1,
        column < columns - 1 ? at + 1 : -1,
        row > 0 ? at - columns : -1,
        row < rows - 1 ? at + columns : -1,
        at - rows * columns,
        at + rows * columns,
      ];
      for (const other of beside) {
        if (!left[other]) continue;
        left[other] = 0;
        waiting.push(other);
      }
    }
    sizes.push(size);
  }
  return sizes.sort((a, b) => b - a);
}

describe('islands', () => {
  it('that only touch at a corner are two', () => {
    expect(flooded(largest(drawing('##..', '..##')))).toEqual([2]);
    expect(flooded(withoutSmall(drawing('##..', '..##'), 3))).toEqual([]);
  });

  it('are reduced to the largest', () => {
    expect(shown(largest(drawing('##..#', '##..#', '.....', '#....')))).toEqual([
      '##...',
      '##...',
      '.....',
      '.....',
    ]);
    fc.assert(
      fc.property(masks(), (mask) => {
        const kept = largest(mask);
        expect(holds(mask, kept)).toBe(true);
        expect(flooded(kept)).toEqual(flooded(mask).slice(0, 1));
      }),
    );
  });

  it('below a size go, and all others stay', () => {
    fc.assert(
      fc.property(masks(), fc.integer({ min: 1, max: 9 }), (mask, atLeast) => {
        const kept = withoutSmall(mask, atLeast);
        expect(holds(mask, kept)).toBe(true);
        expect(flooded(kept)).toEqual(flooded(mask).filter((size) => size >= atLeast));
      }),
    );
  });
});

describe('holes', () => {
  it('are filled; a bay, and what reaches the edge, is none', () => {
    expect(shown(withoutHoles(drawing('#####..', '#...#.#', '#.#.#..', '#####..', '..#.#..')))).toEqual([
      '#####..',
      '#####.#',
      '#####..',
      '#####..',
      '..#.#..',
    ]);
  });

  it('in space are closed on all six sides', () => {
    const bytes = new Uint8Array(27).fill(1);
    bytes[13] = 0;
    const cube: Mask = { frames: 3, rows: 3, columns: 3, bytes };
    expect(count(withoutHoles(cube))).toBe(27);
    const open = { ...cube, bytes: bytes.slice() };
    open.bytes[4] = 0;
    expect(count(withoutHoles(open))).toBe(25);
  });

  it('once filled are gone, and nothing else has changed', () => {
    fc.assert(
      fc.property(masks(), (mask) => {
        const filled = withoutHoles(mask);
        expect(holds(filled, mask)).toBe(true);
        expect([...withoutHoles(filled).bytes]).toEqual([...filled.bytes]);
      }),
    );
  });
});

describe('two masks', () => {
  const pairs = fc.constant({ frames: 1, rows: 3, columns: 4 }).chain((grid) => {
    return fc.tuple(masksOf(grid), masksOf(grid));
  });

  it('are combined voxel by voxel', () => {
    const [a, b] = [drawing('##..'), drawing('.##.')];
    const made = Object.fromEntries(COMBINATIONS.map((how) => [how, shown(combined(how, a, b))[0]]));
    expect(made).toEqual({ union: '###.', intersection: '.#..', subtract: '#...', xor: '#.#.' });
  });

  it('obey the laws of sets', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const union = combined('union', a, b);
        const both = combined('intersection', a, b);
        expect(count(union) + count(both)).toBe(count(a) + count(b));
        expect([...combined('subtract', union, both).bytes]).toEqual([...combined('xor', a, b).bytes]);
        expect([...combined('xor', combined('xor', a, b), b).bytes]).toEqual([...a.bytes]);
      }),
    );
  });
});

describe('frames between two painted ones', () => {
  const FLAT = { column: 1, row: 1, frame: 3 };
  const stack = (...frames: Mask[]): Mask => ({
    ...(frames[0] as Mask),
    frames: frames.length,
    bytes: Uint8Array.from(frames.flatMap((frame) => [...frame.bytes])),
  });
  const disc = (radius: number, at = 12): Mask => {
    const bytes = new Uint8Array(25 * 25);
    for (let i = 0; i < bytes.length; i++)
      if (Math.hypot(Math.floor(i / 25) - 12, (i % 25) - at) <= radius) bytes[i] = 1;
    return { frames: 1, rows: 25, columns: 25, bytes };
  };
  const none = disc(-1);

  it('have the size between, in order', () => {
    const made = filledBetween(stack(disc(3), none, none, none, disc(11)), FLAT);
    const areas = [0, 1, 2, 3, 4].map((frame) => count(frameOf(made, frame)));
    expect(areas).toEqual([...areas].sort((a, b) => a - b));
    [5, 7, 9].forEach((radius, i) => {
      const wanted = Math.PI * radius ** 2;
      expect(Math.abs((areas[i + 1] as number) - wanted) / wanted).toBeLessThan(0.12);
    });
  });

  it('lie between: the outline of a shape that moves is half way', () => {
    const middle = frameOf(filledBetween(stack(disc(6, 9), none, disc(6, 15)), FLAT), 1);
    const columns = [...middle.bytes.keys()].filter((i) => middle.bytes[i]).map((i) => i % 25);
    expect(columns.reduce((sum, one) => sum + one, 0) / columns.length).toBeCloseTo(12, 5);
  });

  it('are equal to two equal ones, hold what is in both and nothing that is in neither', () => {
    const two = fc
      .constant({ frames: 1, rows: 6, columns: 6 })
      .chain((grid) =>
        fc.tuple(masksOf(grid), masksOf(grid)).filter(([a, b]) => count(a) > 0 && count(b) > 0),
      );
    fc.assert(
      fc.property(two, ([a, b]) => {
        const empty = { ...a, bytes: new Uint8Array(36) };
        const same = filledBetween(stack(a, empty, a), FLAT);
        expect([...frameOf(same, 1).bytes]).toEqual([...a.bytes]);
        const made = filledBetween(stack(a, empty, empty, b), FLAT);
        for (const frame of [frameOf(made, 1), frameOf(made, 2)]) {
          expect(holds(frame, combined('intersection', a, b))).toBe(true);
          expect(holds(combined('union', a, b), frame)).toBe(true);
        }
        expect([...frameOf(made, 0).bytes, ...frameOf(made, 3).bytes]).toEqual([...a.bytes, ...b.bytes]);
      }),
    );
  });

  it('are none beyond the last painted one, or between neighbours', () => {
    expect(gapsOf(stack(none, disc(2), disc(3), none, disc(2), none))).toEqual([[2, 4]]);
  });
});
