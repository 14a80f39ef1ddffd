import { expect, it } from 'vitest';
import { Labelmap } from '../../src/viewer/labelmap';
import { linesOf } from '../../src/viewer/outlines';
import { planeOf } from '../../src/viewer/plane';
import { planesOf } from '../../src/viewer/section';
import { MaskBorders, markLines } from '../../src/viewer/suggested';
import { DRAWN_KINDS, type Mark, type Point } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

const flat = fakeSeries({ frames: 4, rows: 40, columns: 40 });

const mark = (kind: Mark['kind'], points_px: Point[], frame = 0): Mark => ({
  tracking_uid: '2.25.1',
  kind,
  label_class: 'lesion',
  sop_instance_uid: `1.2.${frame}`,
  frame: 1,
  points_px,
  mask: null,
  series: null,
  text: '',
});

it('every kind of mark has lines on its own frame and on no other', () => {
  const points: Point[] = [
    [10, 20],
    [30, 20],
    [20, 15],
    [20, 25],
  ];
  for (const kind of DRAWN_KINDS) {
    const lines = markLines(mark(kind, kind === 'landmark' ? points.slice(0, 1) : points), flat, 0);
    const drawn = lines.flatMap((line) => line.points);
    expect(drawn.length, kind).toBeGreaterThan(1);
    expect(
      drawn.every((point) => point.every(Number.isFinite)),
      kind,
    ).toBe(true);
    expect(markLines(mark(kind, points), flat, 1), kind).toEqual([]);
  }
});

it('an ellipse ends where its axes end, a circle is round in millimetres', () => {
  const axes: Point[] = [
    [0, 10],
    [40, 10],
    [20, 0],
    [20, 20],
  ];
  const [ellipse] = linesOf(mark('ellipse', axes), planeOf(flat, 0));
  expect(Math.max(...(ellipse?.points ?? []).map(([x]) => x))).toBeCloseTo(40);
  expect(Math.min(...(ellipse?.points ?? []).map(([, y]) => y))).toBeCloseTo(0);
  const oblong = planeOf(fakeSeries({ spacing: [2, 0.5] }), 0);
  const edge: Point[] = [
    [5, 5],
    [11, 7],
  ];
  const [circle] = linesOf(mark('circle', edge), oblong);
  for (const [x, y] of circle?.points ?? []) expect(Math.hypot((x - 5) * 0.5, (y - 5) * 2)).toBeCloseTo(5);
});

it('in a plane across its image a closed mark is the chord that the plane cuts out of it', () => {
  const box: Point[] = [
    [4, 6],
    [14, 16],
  ];
  const sagittal = planesOf(flat, 'sagittal');
  const cutting = Array.from({ length: sagittal.frame_count }, (_, index) =>
    markLines(mark('box', box, 2), sagittal, index),
  );
  const hit = cutting.filter((lines) => lines.length > 0);
  expect(hit.length).toBe(10);
  for (const [line] of hit) {
    const [[ax], [bx]] = line?.points as [Point, Point];
    expect(Math.abs(ax - bx)).toBeCloseTo(10);
  }
});

it('the borders of a picture are found once, and anew for another picture', () => {
  const series = fakeSeries({ frames: 2, rows: 2, columns: 2 });
  const map = new Labelmap(2, 2, 2, Uint8Array.from([1, 0, 0, 0, 1, 1, 1, 1]));
  const borders = new MaskBorders(map);
  const first = borders.on(series, 0, 1);
  expect(borders.on(series, 0, 1)).toBe(first);
  expect(borders.on(series, 1, 1)).not.toEqual(first);
  expect(borders.on(series, 0, 1)).toEqual(first);
});

it('a mask is bordered in planes through its series where they cut it', () => {
  const series = fakeSeries({ frames: 4, rows: 6, columns: 6 });
  const map = new Labelmap(4, 6, 6);
  map.bytes[2 * 36 + 3 * 6 + 1] = 1;
  const borders = new MaskBorders(map);
  const sagittal = planesOf(series, 'sagittal');
  const seen = Array.from(
    { length: sagittal.frame_count },
    (_, index) => borders.on(sagittal, index, 1).length,
  );
  expect(seen.filter((count) => count > 0)).toHaveLength(1);
});

it('the middle of a class is one of its own voxels, even where it is hollow', () => {
  const map = new Labelmap(1, 3, 3, Uint8Array.from([1, 1, 1, 1, 0, 1, 1, 1, 1]));
  const [column, row] = map.middleOn(0, 1);
  expect(map.bytes[row * 3 + column]).toBe(1);
  expect(map.middleOn(0, 2)).toEqual([0, 0]);
});
