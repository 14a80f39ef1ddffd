import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Labelmap } from '../../src/viewer/labelmap';
import { type Job, type Operation, patchOf } from '../../src/voxels/operations';
import { PatchBuilder, patchBytes, patchVoxels } from '../../src/voxels/patch';
import { spansOf, type Vertex } from '../../src/voxels/polygon';
import { brightPart, extremes } from '../../src/voxels/ranges';
import { Tally } from '../../src/voxels/tally';

const GRID = { frames: 3, rows: 6, columns: 7 };
const SPACING = { column: 1, row: 1, frame: 2 };
const SIZE = GRID.frames * GRID.rows * GRID.columns;
const at = (frame: number, row: number, column: number) => (frame * GRID.rows + row) * GRID.columns + column;

const labels = fc
  .array(fc.constantFrom(0, 0, 0, 1, 1, 2, 3), { minLength: SIZE, maxLength: SIZE })
  .map((bytes) => Uint8Array.from(bytes));
const extent = fc.constantFrom<'image' | 'images' | 'volume'>('image', 'images', 'volume');
const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constantFrom<'grow' | 'shrink'>('grow', 'shrink'),
    amount: fc.constantFrom(1, 2.5),
    unit: fc.constantFrom<'mm' | 'voxels'>('mm', 'voxels'),
    extent,
  }),
  fc.record({ kind: fc.constantFrom<'fill' | 'largest' | 'clear'>('fill', 'largest', 'clear'), extent }),
  fc.record({ kind: fc.constant('islands' as const), atLeast: fc.integer({ min: 2, max: 5 }), extent }),
  fc.record({
    kind: fc.constant('combine' as const),
    how: fc.constantFrom('union', 'intersection', 'subtract', 'xor'),
    with: fc.constantFrom(
      { value: 2, marginMm: 0 },
      { value: 2, marginMm: 1.5 },
      {
        outlines: [
          {
            frame: 1,
            points: [
              [1, 1],
              [5, 1],
              [5, 4],
              [1, 4],
            ] as Vertex[],
          },
        ],
      },
    ),
    extent,
  }),
  fc.constant({ kind: 'interpolate' as const }),
  fc.record({ kind: fc.constant('copy' as const), by: fc.constantFrom<1 | -1>(1, -1) }),
) as fc.Arbitrary<Operation>;

const job = (bytes: Uint8Array, operation: Operation, more: Partial<Job> = {}): Job => ({
  bytes,
  grid: GRID,
  spacing: SPACING,
  frame: 1,
  value: 1,
  locked: [],
  operation,
  ...more,
});

function done(bytes: Uint8Array, operation: Operation, more: Partial<Job> = {}): Uint8Array {
  const map = new Labelmap(GRID.frames, GRID.rows, GRID.columns, bytes.slice());
  const patch = patchOf(job(bytes, operation, more));
  if (patch) map.write(patch, 'after');
  return map.bytes;
}

describe('every operation', () => {
  it('is undone and done again exactly, and leaves the labelmap itself alone', () => {
    fc.assert(
      fc.property(labels, operations, (bytes, operation) => {
        const map = new Labelmap(GRID.frames, GRID.rows, GRID.columns, bytes.slice());
        const patch = patchOf(job(bytes, operation));
        expect([...bytes]).toEqual([...map.bytes]);
        if (!patch) return;
        map.write(patch, 'after');
        const after = map.bytes.slice();
        expect([...after]).not.toEqual([...bytes]);
        expect([...map.counts]).toEqual([...new Labelmap(3, 6, 7, after).counts]);
        map.write(patch, 'before');
        expect([...map.bytes]).toEqual([...bytes]);
        map.write(patch, 'after');
        expect([...map.bytes]).toEqual([...after]);
      }),
    );
  });

  it('leaves locked segments as they are, and does nothing to one that is locked itself', () => {
    fc.assert(
      fc.property(labels, operations, (bytes, operation) => {
        const after = done(bytes, operation, { locked: [2] });
        expect([...after].map((one) => one === 2)).toEqual([...bytes].map((one) => one === 2));
        expect(patchOf(job(bytes, operation, { locked: [1] }))).toBeNull();
      }),
    );
  });

  it('changes no segment but its own and the one it is combined with', () => {
    fc.assert(
      fc.property(labels, operations, (bytes, operation) => {
        const after = done(bytes, operation);
        expect([...after].map((one) => one === 3)).toEqual([...bytes].map((one) => one === 3));
      }),
    );
  });

  it('on one image changes that image alone', () => {
    fc.assert(
      fc.property(labels, operations, (bytes, operation) => {
        fc.pre('extent' in operation && operation.extent === 'image');
        const after = done(bytes, operation);
        const frame = GRID.rows * GRID.columns;
        expect([...after.subarray(0, frame)]).toEqual([...bytes.subarray(0, frame)]);
        expect([...after.subarray(2 * frame)]).toEqual([...bytes.subarray(2 * frame)]);
      }),
    );
  });
});

describe('one operation', () => {
  const point = new Uint8Array(SIZE);
  point[at(1, 2, 3)] = 1;
  const countOf = (bytes: Uint8Array, value = 1) => bytes.filter((one) => one === value).length;

  it.each([
    ['mm in space: frames 2 mm apart', 2, 'mm', 'volume', 13 + 2],
    ['mm on the image', 2, 'mm', 'image', 13],
    ['voxels in space', 1, 'voxels', 'volume', 7],
  ] as const)('grows by %s', (_, amount, unit, extent, voxels) => {
    expect(countOf(done(point, { kind: 'grow', amount, unit, extent }))).toBe(voxels);
  });

  it('does not grow over its neighbour', () => {
    const bytes = point.slice();
    bytes[at(1, 2, 4)] = 2;
    const after = done(bytes, { kind: 'grow', amount: 1, unit: 'mm', extent: 'image' });
    expect([countOf(after, 1), countOf(after, 2)]).toEqual([4, 1]);
  });

  it('fills a hole in an image, which in space is open above and below', () => {
    const ring = new Uint8Array(SIZE);
    for (const [row, column] of [
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
      [2, 3],
      [3, 1],
      [3, 2],
      [3, 3],
    ])
      ring[at(1, row as number, column as number)] = 1;
    expect(countOf(done(ring, { kind: 'fill', extent: 'image' }))).toBe(9);
    expect(patchOf(job(ring, { kind: 'fill', extent: 'volume' }))).toBeNull();
  });

  it('takes another segment over by a union, and keeps a margin from it by a subtraction', () => {
    const bytes = new Uint8Array(SIZE);
    for (let column = 0; column < 4; column++) bytes[at(1, 2, column)] = 1;
    bytes[at(1, 2, 4)] = 2;
    const combine = (how: 'union' | 'subtract', marginMm: number) =>
      done(bytes, { kind: 'combine', how, with: { value: 2, marginMm }, extent: 'image' });
    expect([countOf(combine('union', 0), 1), countOf(combine('union', 0), 2)]).toEqual([5, 0]);
    expect([countOf(combine('subtract', 2), 1), countOf(combine('subtract', 2), 2)]).toEqual([2, 1]);
  });

  it('is kept to an outline', () => {
    const bytes = new Uint8Array(SIZE).fill(1, at(1, 2, 0), at(1, 3, 0));
    const points: Vertex[] = [
      [1.5, 0],
      [4.5, 0],
      [4.5, 5],
      [1.5, 5],
    ];
    const after = done(bytes, {
      kind: 'combine',
      how: 'intersection',
      with: { outlines: [{ frame: 1, points }] },
      extent: 'image',
    });
    expect([...after.keys()].filter((i) => after[i])).toEqual([at(1, 2, 2), at(1, 2, 3), at(1, 2, 4)]);
  });

  it('copies to the neighbour where that is empty, and not beyond the series', () => {
    const bytes = point.slice();
    bytes[at(1, 2, 4)] = 1;
    bytes[at(2, 2, 4)] = 2;
    const after = done(bytes, { kind: 'copy', by: 1 });
    expect([after[at(2, 2, 3)], after[at(2, 2, 4)]]).toEqual([1, 2]);
    expect(patchOf(job(bytes, { kind: 'copy', by: 1 }, { frame: 2 }))).toBeNull();
  });

  it('interpolates without touching the painted images', () => {
    const bytes = new Uint8Array(SIZE);
    bytes[at(0, 2, 3)] = bytes[at(2, 2, 3)] = 1;
    const after = done(bytes, { kind: 'interpolate' });
    expect([...after.keys()].filter((i) => after[i])).toEqual([at(0, 2, 3), at(1, 2, 3), at(2, 2, 3)]);
  });
});

describe('a patch', () => {
  it('costs little for a large area', () => {
    const builder = new PatchBuilder();
    for (let i = 0; i < 100_000; i++) builder.set(i, 0, 1);
    const patch = builder.build();
    expect(patch && [patchVoxels(patch), patchBytes(patch)]).toEqual([100_000, 10]);
    expect(patch && [[...patch.before], [...patch.after]]).toEqual([[0], [1]]);
  });

  it('takes changes in order alone', () => {
    const builder = new PatchBuilder();
    builder.set(5, 0, 1);
    expect(() => builder.set(4, 0, 1)).toThrow(RangeError);
  });
});

describe('an outline', () => {
  const inside = (outline: readonly Vertex[], column: number, row: number): boolean => {
    let odd = false;
    outline.forEach(([x, y], i) => {
      const [px, py] = outline.at(i - 1) as Vertex;
      if (y <= row !== py <= row && column < px + ((row - py) / (y - py)) * (x - px)) odd = !odd;
    });
    return odd;
  };
  const number = fc.double({ min: -3, max: 12, noNaN: true });

  it('holds the pixels whose centre is inside', () => {
    const outlines = fc.array(fc.tuple(number, number), { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(outlines, (outline) => {
        const found = new Set<string>();
        for (const [row, from, to] of spansOf(outline, { rows: 9, columns: 10 }))
          for (let column = from; column <= to; column++) found.add(`${column}/${row}`);
        for (let row = 0; row < 9; row++)
          for (let column = 0; column < 10; column++)
            expect(found.has(`${column}/${row}`)).toBe(inside(outline, column, row));
      }),
    );
  });
});

describe('values', () => {
  it('are tallied frame by frame as they would be all at once', () => {
    const frames = fc.array(
      fc.array(fc.tuple(fc.integer({ min: -2000, max: 4000 }), fc.boolean()), { minLength: 1 }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(frames, (given) => {
        const tally = new Tally();
        for (const frame of given) {
          const pixels = frame.map(([value]) => value);
          tally.add(
            pixels,
            Uint8Array.from(frame, ([, in_]) => (in_ ? 7 : 3)),
            7,
          );
        }
        const all = given.flatMap((frame) => frame.filter(([, in_]) => in_).map(([value]) => value));
        const found = tally.result({ column: 0.5, row: 2, frame: 3 }, true);
        if (all.length === 0) {
          expect(found).toBeNull();
          return;
        }
        const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
        const squares = all.reduce((sum, one) => sum + (one - mean) ** 2, 0);
        expect(found).toMatchObject({ voxels: all.length, mm3: all.length * 3, max: Math.max(...all) });
        expect(found?.min).toBe(Math.min(...all));
        expect(found?.mean).toBeCloseTo(mean, 6);
        expect(found?.deviation).toBeCloseTo(Math.sqrt(squares / all.length), 5);
      }),
    );
  });

  it('have no volume where a spacing is not known', () => {
    const tally = new Tally();
    tally.add([5], Uint8Array.of(1), 1);
    expect(tally.result({ column: 1, row: 1, frame: null }, true)?.mm3).toBeNull();
    expect(tally.result({ column: 1, row: 1, frame: 1 }, false)?.mm3).toBeNull();
  });

  it('of two kinds are parted between them', () => {
    const values = [...Array(50).fill(10), ...Array(20).fill(200), 12, 190];
    const { low, high } = brightPart(values);
    expect(high).toBe(200);
    expect(low).toBeGreaterThan(12);
    expect(low).toBeLessThanOrEqual(190);
    expect(brightPart([4, 4])).toEqual({ low: 4, high: 4 });
    expect(extremes([])).toEqual({ low: 0, high: 0 });
  });
});
