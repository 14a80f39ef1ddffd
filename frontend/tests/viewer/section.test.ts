import { describe, expect, it } from 'vitest';
import { planeOf, toPixel, toWorld } from '../../src/viewer/plane';
import {
  boxOf,
  fromVoxel,
  gridOf,
  nearestFrame,
  PLANES,
  planesOf,
  sample,
  toVoxel,
  whyNoPlanes,
} from '../../src/viewer/section';
import type { SeriesDisplay, Vector } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

/** Slices of any orientation, `gap` mm apart along their normal, whose voxels say where they lie. */
function volume(orientation: readonly number[], spacing: [number, number], gap: number): SeriesDisplay {
  const [ax, ay, az, dx, dy, dz] = orientation as [number, number, number, number, number, number];
  const normal: Vector = [ay * dz - az * dy, az * dx - ax * dz, ax * dy - ay * dx];
  const series = fakeSeries({ frames: 6, orientation, spacing, slice_spacing: gap, rows: 7, columns: 9 });
  series.frames = series.frames.map((frame, index) => ({
    ...frame,
    position: normal.map((part, i) => ([12, -30, 45][i] as number) + part * gap * index) as unknown as Vector,
  }));
  return series;
}

const linear = ([x, y, z]: Vector): number => 3 * x - 2 * y + 5 * z + 400;

function framesOf(series: SeriesDisplay): Float32Array[] {
  const box = boxOf(series);
  return series.frames.map((_, frame) =>
    Float32Array.from({ length: series.rows * series.columns }, (_, at) =>
      linear(fromVoxel(box, [at % series.columns, Math.floor(at / series.columns), frame])),
    ),
  );
}

const turn = (degrees: number): readonly number[] => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [1, 0, 0, 0, c, s];
};
const ORIENTATIONS = {
  axial: [1, 0, 0, 0, 1, 0],
  'axial from above': [-1, 0, 0, 0, 1, 0],
  sagittal: [0, 1, 0, 0, 0, -1],
  coronal: [1, 0, 0, 0, 0, -1],
  'axial tilted by 20 degrees': turn(20),
  'coronal tilted by 60 degrees': turn(60),
};

describe.each(Object.entries(ORIENTATIONS))('planes through an acquisition that is %s', (_, orientation) => {
  const series = volume(orientation, [0.8, 0.5], 3);
  const [box, frames] = [boxOf(series), framesOf(series)];

  it.each(PLANES)('show at each %s pixel what lies at that place in the patient', (name) => {
    const grid = gridOf(box, name);
    const planes = planesOf(series, name);
    let inside = 0;
    for (let index = 0; index < grid.count; index++) {
      const pixels = sample(frames, box, grid, index, { fill: -9999 });
      const plane = planeOf(planes, index);
      pixels.forEach((value, at) => {
        if (value === -9999) return;
        const world = toWorld(plane, [at % grid.columns, Math.floor(at / grid.columns)]);
        const voxel = toVoxel(box, world);
        // Beyond the centre of the outermost voxel there is nothing to interpolate with.
        const within = voxel.every((v, i) => v > -1e-6 && v < (box.size[i] as number) - 1 + 1e-6);
        if (within) expect(value).toBeCloseTo(linear(world), 2);
        inside += within ? 1 : 0;
      });
    }
    expect(inside).toBeGreaterThan(20);
  });

  it.each([
    ['axial', [1, 0, 0], [0, 1, 0]],
    ['sagittal', [0, 1, 0], [0, 0, -1]],
    ['coronal', [1, 0, 0], [0, 0, -1]],
  ] as const)('lie as a %s film is hung', (name, across, down) => {
    const plane = planeOf(planesOf(series, name), 0);
    across.forEach((part, i) => expect(plane.across[i]).toBeCloseTo(part));
    down.forEach((part, i) => expect(plane.down[i]).toBeCloseTo(part));
  });
});

describe('planes along the voxel grid', () => {
  const series = volume(ORIENTATIONS.axial, [0.8, 0.5], 3);

  it('keep its spacing, which differs from axis to axis', () => {
    const spacing = (name: 'axial' | 'sagittal' | 'coronal') => planesOf(series, name).pixel_spacing;
    expect(spacing('axial')).toEqual([0.8, 0.5]);
    expect(spacing('sagittal')).toEqual([3, 0.8]);
    expect(spacing('coronal')).toEqual([3, 0.5]);
  });

  it('hold stored values and none between', () => {
    const frames = Array.from({ length: 6 }, (_, f) => new Int16Array(63).fill(f % 2 ? 1000 : 0));
    const box = boxOf(series);
    const pixels = sample(frames, box, gridOf(box, 'coronal'), 3, { fill: -1 });
    expect(new Set(pixels)).toEqual(new Set([0, 1000]));
    expect(pixels).toBeInstanceOf(Int16Array);
  });

  it('number as many as there are voxels along the way', () => {
    expect(PLANES.map((name) => planesOf(series, name).frame_count)).toEqual([6, 9, 7]);
  });
});

describe('oblique planes', () => {
  it('show nothing outside the volume', () => {
    const series = volume(turn(30), [1, 1], 1);
    const box = boxOf(series);
    const grid = gridOf(box, 'axial');
    expect(grid.aligned).toBe(false);
    expect(sample(framesOf(series), box, grid, 0, { fill: -7 })).toContain(-7);
  });

  it('of labels have no values between', () => {
    const series = volume(turn(30), [1, 1], 1);
    const box = boxOf(series);
    const labels = Array.from({ length: 6 }, (_, f) => new Uint8Array(63).fill(f % 2 ? 4 : 0));
    const seen = new Set(sample(labels, box, gridOf(box, 'sagittal'), 4, { fill: 0, nearest: true }));
    expect([...seen].sort()).toEqual([0, 4]);
  });
});

describe('a plane as a series', () => {
  const series = volume(ORIENTATIONS.axial, [0.8, 0.5], 3);

  it('is the same one each time, and another for another plane', () => {
    expect(planesOf(series, 'axial')).toBe(planesOf(series, 'axial'));
    expect(new Set(PLANES.map((name) => planesOf(series, name).id)).size).toBe(3);
    expect(planesOf(series, 'axial').id).toBeLessThan(0);
  });

  it('leads back to the voxel', () => {
    const planes = planesOf(series, 'sagittal');
    const world = toWorld(planeOf(planes, 4), [2, 1]);
    const voxel = toVoxel(boxOf(series), world);
    expect(voxel.map(Math.round)).toEqual([4, 2, 4]);
    expect(toPixel(planeOf(planes, 4), world)[0]).toBeCloseTo(2);
  });

  it('is found by position', () => {
    const point = fromVoxel(boxOf(series), [5, 3, 2]);
    expect(nearestFrame(planesOf(series, 'sagittal'), point)).toMatchObject({ index: 5 });
    expect(nearestFrame(series, point)).toMatchObject({ index: 2 });
  });
});

describe('planes are refused with a reason', () => {
  const many = { frames: 5 } as const;
  it.each([
    ['a single image', {}, 'one image'],
    ['colour', { ...many, samples_per_pixel: 3 }, 'colour'],
    ['images that lie nowhere', { ...many, geometry: 'unknown' }, 'where they lie'],
    [
      'gaps',
      { ...many, geometry: 'stack', fidelity: { exact: true, note: '2 slices seem to be missing.' } },
      '2 slices seem to be missing.',
    ],
    ['no spacing', { ...many, spacing: null }, 'distance'],
    ['too much of it', { ...many, rows: 40_000, columns: 40_000 }, 'memory'],
  ] as const)('%s', (_, said, reason) => {
    expect(whyNoPlanes(fakeSeries(said as never))).toContain(reason);
  });

  it('and laid through a regular volume', () => {
    expect(whyNoPlanes(fakeSeries(many))).toBe('');
  });
});
