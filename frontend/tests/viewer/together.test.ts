import { describe, expect, it } from 'vitest';
import { crossing, cut } from '../../src/viewer/guides';
import { Labelmap } from '../../src/viewer/labelmap';
import { centreOf, counterpart, inSameSpace, linkBetween } from '../../src/viewer/links';
import { planeOf } from '../../src/viewer/plane';
import { boxOf, planesOf } from '../../src/viewer/section';
import { planeWith } from '../../src/viewer/section-patch';
import { SectionStroke } from '../../src/viewer/section-stroke';
import type { DrawnKind, Mark, Point, SectionOf } from '../../src/viewer/types';
import type { VoxelPatch } from '../../src/voxels/patch';
import { fakeSeries } from './fake-series';

const thick = fakeSeries({ id: 1, frames: 10, frame_of_reference: '1.2' });
const shifted = fakeSeries({ id: 2, frames: 10, position: [0, 0, 6], frame_of_reference: '1.2' });
const elsewhere = fakeSeries({ id: 3, frames: 4, frame_of_reference: '9.9' });

describe('two panes', () => {
  it('share positions within one frame of reference alone', () => {
    expect(inSameSpace(thick, shifted)).toBe(true);
    expect(inSameSpace(thick, elsewhere)).toBe(false);
    const unnamed = { ...thick, id: 4, frame_of_reference: null };
    expect(inSameSpace(unnamed, { ...unnamed, id: 5 })).toBe(false);
    expect(inSameSpace(unnamed, planesOf(unnamed, 'coronal'))).toBe(true);
  });

  it('scroll by position where they share it', () => {
    expect(linkBetween(thick, shifted)).toBe('position');
    expect(counterpart(thick, 5, shifted, 0)).toBe(3);
    expect(counterpart(thick, 0, shifted, 0)).toBeNull();
  });

  it('scroll by number from where they were linked elsewhere', () => {
    expect(linkBetween(thick, elsewhere)).toBe('number');
    expect(counterpart(thick, 5, elsewhere, -3)).toBe(2);
    expect(counterpart(thick, 9, elsewhere, 0)).toBe(3);
  });

  it('do not scroll together where they lie across each other', () => {
    expect(linkBetween(thick, planesOf(thick, 'sagittal'))).toBe('none');
    expect(counterpart(thick, 5, planesOf(thick, 'sagittal'), 0)).toBeNull();
  });
});

describe('the line of one plane in another', () => {
  it('runs where both are, as far as the one reaches', () => {
    const [from, to] = crossing(thick, 4, planeOf(planesOf(thick, 'sagittal'), 3)) ?? [];
    for (const point of [from, to]) {
      expect(point?.[0]).toBeCloseTo(3);
      expect(point?.[2]).toBeCloseTo(12);
    }
    expect([from?.[1], to?.[1]].sort()).toEqual([-0.5, 7.5]);
  });

  it('is none where they are parallel or apart', () => {
    expect(crossing(thick, 4, planeOf(shifted, 0))).toBeNull();
    const far = { ...planeOf(planesOf(thick, 'sagittal'), 0), position: [50, 0, 0] as const };
    expect(crossing(thick, 4, far)).toBeNull();
  });
});

function mark(kind: DrawnKind, points: Point[], frame = 4): Mark {
  return {
    tracking_uid: '2.25.1',
    kind,
    label_class: 'a',
    sop_instance_uid: `1.2.${frame}`,
    frame: 1,
    points_px: points,
    mask: null,
    series: null,
    text: '',
  };
}

describe('a mark in a plane that cuts its image', () => {
  const sagittal = planesOf(thick, 'sagittal');
  const box = mark('box', [
    [2, 1],
    [6, 5],
  ]);

  it('is the chord of what is closed', () => {
    const [chord, ...more] = cut(box, thick, planeOf(sagittal, 4), 0.5);
    expect(more).toEqual([]);
    expect(chord?.map((point) => point.map(Math.round))).toEqual([
      [4, 1, 12],
      [4, 5, 12],
    ]);
  });

  it('is nothing where the plane misses it', () => {
    expect(cut(box, thick, planeOf(sagittal, 8), 0.5)).toEqual([]);
  });

  it('is a point where it cuts a line, and where a landmark lies in it', () => {
    const line = mark('length', [
      [2, 2],
      [6, 6],
    ]);
    const [[from, to] = []] = cut(line, thick, planeOf(sagittal, 5), 0.5);
    expect(from).toEqual([5, 5, 12]);
    expect(to).toEqual(from);
    const point = mark('landmark', [[5, 3]]);
    expect(cut(point, thick, planeOf(sagittal, 5), 0.5)).toHaveLength(1);
    expect(cut(point, thick, planeOf(sagittal, 7), 0.5)).toEqual([]);
  });

  it('is all of it in a plane along its image, within half a slice', () => {
    const axial = planesOf(thick, 'axial');
    expect(cut(box, thick, planeOf(axial, 4), 1.5)).toHaveLength(4);
    expect(cut(box, thick, planeOf(axial, 5), 1.5)).toEqual([]);
  });

  it('is nothing of another series', () => {
    expect(cut({ ...box, sop_instance_uid: '7.7' }, thick, planeOf(sagittal, 4), 0.5)).toEqual([]);
  });
});

describe('a stroke in a plane', () => {
  const volume = boxOf(thick);
  const stroke = (
    radiusMm: number,
    through: readonly [number, number, number],
    shape: 'disc' | 'ball' = 'disc',
  ) => {
    const map = new Labelmap(10, 8, 10);
    const made = new SectionStroke(map, { radiusMm, shape, value: 1 }, volume, through);
    return { map, made };
  };
  const painted = (map: Labelmap): number[][] =>
    [...map.bytes.entries()]
      .filter(([, value]) => value === 1)
      .map(([at]) => [at % 10, Math.floor(at / 10) % 8, Math.floor(at / 80)]);

  it('paints one voxel deep, as wide in mm as the brush on each axis', () => {
    const { map, made } = stroke(3.1, [1, 0, 0]);
    const frames = made.moveTo([5, 4, 5]);
    const all = painted(map);
    expect(new Set(all.map(([column]) => column))).toEqual(new Set([5]));
    // Rows are 1 mm apart, frames 3 mm.
    expect(new Set(all.filter(([, , f]) => f === 5).map(([, row]) => row))).toEqual(
      new Set([1, 2, 3, 4, 5, 6, 7]),
    );
    expect([...frames].sort()).toEqual([4, 5, 6]);
  });

  it('paints the voxel that it is on, however small the brush', () => {
    const { map, made } = stroke(0.1, [0, 1, 0]);
    made.moveTo([5.2, 3.9, 4.8]);
    expect(painted(map)).toEqual([[5, 4, 5]]);
  });

  it('leaves no gap between two points, and can be undone', () => {
    const { map, made } = stroke(0.6, [0, 1, 0]);
    made.moveTo([1, 4, 1]);
    made.moveTo([8, 4, 8]);
    expect(new Set(painted(map).map(([, , frame]) => frame)).size).toBe(8);
    const patch = made.finish() as VoxelPatch;
    map.write(patch, 'before');
    expect(map.counts[1]).toBe(0);
  });

  it('as a ball reaches out of the plane', () => {
    const { map, made } = stroke(3.1, [1, 0, 0], 'ball');
    made.moveTo([5, 4, 5]);
    expect(new Set(painted(map).map(([column]) => column)).size).toBe(7);
  });

  it('leaves locked voxels, and those out of the range, as they are', () => {
    const { box } = planesOf(thick, 'coronal').section as SectionOf;
    const map = new Labelmap(10, 8, 10);
    map.set((5 * 8 + 4) * 10 + 5, 2);
    const locked = new Uint8Array(256);
    locked[2] = 1;
    const bright = Float32Array.from({ length: 80 }, (_, at) => at % 10);
    const range = { low: 4, high: 6, pixels: (frame: number) => (frame === 5 ? bright : null) };
    const brush = { radiusMm: 3.1, shape: 'disc', value: 1 } as const;
    new SectionStroke(map, brush, box, [0, 1, 0], { locked, range }).moveTo([5, 4, 5]);
    expect(painted(map)).toEqual([
      [4, 4, 5],
      [6, 4, 5],
    ]);
    expect(map.counts[2]).toBe(1);
  });

  it('is seen in the plane shown if that cuts it, or else in one that does', () => {
    const coronal = planesOf(thick, 'coronal');
    const { map, made } = stroke(0.6, [0, 1, 0]);
    made.moveTo([1, 4, 1]);
    made.moveTo([8, 4, 8]);
    const patch = made.finish() as VoxelPatch;
    const shown = planeWith(coronal, 0, patch);
    expect(Math.abs(planeOf(coronal, shown).position[1] - 4)).toBeLessThanOrEqual(0.5);
    expect(planeWith(coronal, shown, patch)).toBe(shown);
    const sagittal = planesOf(thick, 'sagittal');
    const middle = Math.floor(sagittal.frame_count / 2);
    expect(planeWith(sagittal, middle, patch)).toBe(middle);
    expect(map.counts[1]).toBeGreaterThan(0);
  });

  it('stays within the volume', () => {
    const { map, made } = stroke(5, [0, 1, 0], 'ball');
    made.moveTo([0, 0, 0]);
    expect(map.counts[1]).toBeGreaterThan(0);
  });
});

it('the centre of a frame lies between its middle pixels', () => {
  expect(centreOf(thick, 2)).toEqual([4.5, 3.5, 6]);
});
