import { describe, expect, it } from 'vitest';
import { edgeLetters, planeOf, scaleBar, toPixel, toWorld } from '../../src/viewer/plane';
import { fakeSeries } from './fake-series';

describe('the plane of a frame', () => {
  it('puts the centre of pixel (0, 0) at the position of the frame', () => {
    const plane = planeOf(fakeSeries({ position: [10, 20, 30] }), 0);
    expect(toWorld(plane, [0, 0])).toEqual([10, 20, 30]);
  });

  it('steps by the column spacing across and by the row spacing down', () => {
    const plane = planeOf(fakeSeries({ position: [0, 0, 0], spacing: [2, 0.5] }), 0);
    expect(toWorld(plane, [4, 3])).toEqual([2, 6, 0]);
  });

  it('leads from pixel to patient and back on an oblique plane', () => {
    const c = Math.SQRT1_2;
    const series = fakeSeries({
      position: [-12, 7, 3],
      orientation: [c, c, 0, 0, 0, -1],
      spacing: [0.7, 0.4],
    });
    const plane = planeOf(series, 0);
    const [column, row] = toPixel(plane, toWorld(plane, [31.25, 8.5]));
    expect(column).toBeCloseTo(31.25);
    expect(row).toBeCloseTo(8.5);
  });

  it('makes up a plane, and says so, where the place in the patient is unknown', () => {
    const plane = planeOf(fakeSeries({ geometry: 'unknown', frames: 3 }), 2);
    expect(plane).toMatchObject({ real: false, position: [0, 0, 2] });
    expect(edgeLetters(plane)).toEqual({ left: '', right: '', top: '', bottom: '' });
  });

  it('counts in pixels where nobody knows the spacing', () => {
    const plane = planeOf(fakeSeries({ spacing: null }), 0);
    expect(plane).toMatchObject({ calibrated: false, rowSpacing: 1, columnSpacing: 1 });
  });
});

describe('orientation letters', () => {
  it.each([
    ['axial', [1, 0, 0, 0, 1, 0], { left: 'R', right: 'L', top: 'A', bottom: 'P' }],
    ['coronal', [1, 0, 0, 0, 0, -1], { left: 'R', right: 'L', top: 'H', bottom: 'F' }],
    ['sagittal', [0, 1, 0, 0, 0, -1], { left: 'A', right: 'P', top: 'H', bottom: 'F' }],
  ])('name the edges of a %s frame', (_, orientation, letters) => {
    expect(edgeLetters(planeOf(fakeSeries({ orientation }), 0))).toEqual(letters);
  });

  it('give the stronger direction first on an oblique frame', () => {
    const series = fakeSeries({ orientation: [0.8, 0.6, 0, 0, 0, -1] });
    expect(edgeLetters(planeOf(series, 0)).right).toBe('LP');
  });
});

describe('the scale bar', () => {
  it.each([
    [0.5, 800, { mm: 100, px: 200 }],
    [0.1, 800, { mm: 20, px: 200 }],
    [0.03, 700, { mm: 5, px: 5 / 0.03 }],
  ])('is a round length of at most a quarter of the width (%s mm per pixel)', (mm, width, bar) => {
    expect(scaleBar(mm, width)).toEqual(bar);
  });

  it('is absent where there is no scale', () => {
    expect(scaleBar(0, 800)).toBeNull();
    expect(scaleBar(Number.NaN, 800)).toBeNull();
  });
});
