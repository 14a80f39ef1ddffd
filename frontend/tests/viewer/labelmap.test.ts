import { describe, expect, it } from 'vitest';
import { patchVoxels } from '../../src/voxels/patch';
import { type Brush, Labelmap, type Limits, Stroke, type Voxel } from '../../src/viewer/labelmap';

const SPACING = { column: 1, row: 1, frame: 2 };
const brush = (said: Partial<Brush> = {}): Brush => ({ radiusMm: 3, shape: 'disc', value: 1, ...said });

function paint(map: Labelmap, points: Voxel[], said: Partial<Brush> = {}, spacing = SPACING) {
  const stroke = new Stroke(map, brush(said), spacing);
  for (const point of points) stroke.moveTo(point);
  return stroke.finish();
}

/** The voxels whose centre lies within the radius, found the slow way. */
function within(
  map: Labelmap,
  [column, row, frame]: Voxel,
  radius: number,
  spacing: typeof SPACING,
  ball: boolean,
) {
  const found: number[] = [];
  for (let z = 0; z < map.frames; z++) {
    if (!ball && z !== frame) continue;
    for (let y = 0; y < map.rows; y++) {
      for (let x = 0; x < map.columns; x++) {
        const distance = Math.hypot(
          (x - column) * spacing.column,
          (y - row) * spacing.row,
          (z - frame) * spacing.frame,
        );
        if (distance <= radius) found.push((z * map.rows + y) * map.columns + x);
      }
    }
  }
  return found;
}

const painted = (map: Labelmap) => [...map.bytes.keys()].filter((index) => map.bytes[index] === 1);

describe('a dab of the brush', () => {
  it.each([
    ['round', { column: 1, row: 1, frame: 2 }, [20, 15, 1]],
    ['between pixels', { column: 1, row: 1, frame: 2 }, [20.4, 15.7, 1]],
    ['on oblong pixels', { column: 0.5, row: 1.25, frame: 2 }, [20, 15, 1]],
    ['at the corner', { column: 1, row: 1, frame: 2 }, [0, 0, 0]],
  ] as const)('paints exactly the voxels within its radius: %s', (_, spacing, point) => {
    const map = new Labelmap(3, 30, 40);
    paint(map, [point], {}, spacing);
    expect(painted(map)).toEqual(within(map, point, 3, spacing, false));
  });

  it('reaches into neighbouring frames as a ball', () => {
    const map = new Labelmap(7, 30, 40);
    paint(map, [[20, 15, 3]], { radiusMm: 5, shape: 'ball' });
    expect(painted(map)).toEqual(within(map, [20, 15, 3], 5, SPACING, true));
  });

  it('stays on its frame where frames have no known distance', () => {
    const map = new Labelmap(3, 30, 40);
    const stroke = new Stroke(map, brush({ shape: 'ball' }), { column: 1, row: 1, frame: null });
    expect([...stroke.moveTo([20, 15, 1])]).toEqual([1]);
  });

  it('paints the voxel it is on, however small it is', () => {
    const map = new Labelmap(1, 30, 40);
    paint(map, [[20.4, 15.3, 0]], { radiusMm: 0.01 });
    expect(painted(map)).toEqual([15 * 40 + 20]);
  });
});

describe('a stroke', () => {
  it('leaves no gap between two distant points', () => {
    const map = new Labelmap(1, 30, 60);
    paint(map, [
      [5, 15, 0],
      [50, 15, 0],
    ]);
    for (let column = 5; column <= 50; column++) expect(map.bytes[15 * 60 + column]).toBe(1);
  });

  it('knows what was there before, once per voxel, and can be taken back', () => {
    const map = new Labelmap(1, 30, 40);
    paint(map, [[20, 15, 0]], { value: 2 });
    const before = map.bytes.slice();
    const patch = paint(map, [
      [18, 15, 0],
      [22, 15, 0],
      [18, 15, 0],
    ]);
    expect(patch).not.toBeNull();
    const made = patch as NonNullable<typeof patch>;
    expect(patchVoxels(made)).toBe(painted(map).length);
    expect([...made.after].every((value) => value === 1)).toBe(true);
    map.write(made, 'before');
    expect(map.bytes).toEqual(before);
  });

  it('is nothing if it changed nothing', () => {
    const map = new Labelmap(1, 30, 40);
    expect(paint(map, [[20, 15, 0]], { value: 0 })).toBeNull();
    expect(map.revision).toBe(0);
  });

  it('erases every class', () => {
    const map = new Labelmap(1, 30, 40);
    paint(map, [[18, 15, 0]], { value: 1 });
    paint(map, [[22, 15, 0]], { value: 2 });
    paint(map, [[20, 15, 0]], { value: 0, radiusMm: 20 });
    expect(map.values).toEqual([]);
  });
});

describe('limits', () => {
  const stroke = (map: Labelmap, limits: Limits, value = 1) => {
    const made = new Stroke(map, brush({ value }), SPACING, limits);
    made.moveTo([20, 15, 1]);
    return made.finish();
  };

  it('keep locked values as they are', () => {
    const map = new Labelmap(3, 30, 40);
    paint(map, [[22, 15, 1]], { value: 2 });
    const before = map.counts[2];
    const locked = new Uint8Array(256);
    locked[2] = 1;
    expect(stroke(map, { locked })).not.toBeNull();
    expect(map.counts[2]).toBe(before);
    stroke(map, { locked }, 0);
    expect(map.counts[2]).toBe(before);
    expect(map.counts[1]).toBe(0);
  });

  it('keep to a range of pixel values, and off images without pixels', () => {
    const map = new Labelmap(3, 30, 40);
    const pixels = Float32Array.from({ length: 1200 }, (_, at) => at % 40);
    const of = (frame: number) => (frame === 1 ? pixels : null);
    stroke(map, { range: { low: 19, high: 20, pixels: of } });
    expect(painted(map).every((at) => [19, 20].includes(at % 40))).toBe(true);
    expect(painted(map).length).toBeGreaterThan(8);
    const other = new Labelmap(3, 30, 40);
    expect(stroke(other, { range: { low: 0, high: 99, pixels: () => null } })).toBeNull();
  });
});

describe('a labelmap', () => {
  it('counts its voxels as they change', () => {
    const map = new Labelmap(2, 30, 40);
    const patch = paint(map, [[20, 15, 1]]);
    const size = patch ? patchVoxels(patch) : 0;
    expect(size).toBeGreaterThan(0);
    expect(map.counts[1]).toBe(size);
    expect(map.counts[0]).toBe(2 * 30 * 40 - size);
    expect(map.values).toEqual([1]);
    expect(map.richestFrame(1)).toBe(1);
    expect(map.richestFrame(2)).toBe(-1);
  });

  it('counts what it was loaded with', () => {
    expect(new Labelmap(1, 1, 3, Uint8Array.of(0, 2, 2)).counts[2]).toBe(2);
  });

  it('refuses bytes of another shape', () => {
    expect(() => new Labelmap(2, 3, 4, new Uint8Array(23))).toThrow(RangeError);
  });
});
