import { describe, expect, it } from 'vitest';
import { readAt } from '../../src/viewer/probe';
import { fakeSeries } from './fake-series';

const ramp = Float32Array.from({ length: 80 }, (_, i) => i);

describe('the probe', () => {
  it('reads the pixel whose centre is nearest, and where it lies', () => {
    const series = fakeSeries({ position: [10, 20, 30], spacing: [2, 0.5] });
    expect(readAt(series, 0, ramp, [3.4, 1.6])).toEqual({
      column: 3,
      row: 2,
      values: [23],
      unit: 'HU',
      reason: '',
      position: [11.5, 24, 30],
    });
  });

  it('reads nothing beyond the edges', () => {
    const series = fakeSeries();
    expect(readAt(series, 0, ramp, [-0.6, 0])).toBeNull();
    expect(readAt(series, 0, ramp, [9.6, 0])).toBeNull();
    expect(readAt(series, 0, ramp, [9.4, 7.4])).not.toBeNull();
  });

  it('names no place where nobody knows where the image lies, or how large its pixels are', () => {
    expect(readAt(fakeSeries({ geometry: 'unknown' }), 0, ramp, [0, 0])?.position).toBeNull();
    expect(readAt(fakeSeries({ spacing: null }), 0, ramp, [0, 0])?.position).toBeNull();
  });

  it('reads the uptake by body weight, or says why there is none', () => {
    const known = fakeSeries({ modality: 'PT', rescale_type: '', suv: { factor: 0.5, reason: '' } });
    expect(readAt(known, 0, ramp, [4, 0])).toMatchObject({ values: [2], unit: 'SUV', reason: '' });
    const suv = { factor: null, reason: 'The object does not name the injected dose.' };
    const unknown = readAt(fakeSeries({ modality: 'PT', rescale_type: '', suv }), 0, ramp, [4, 0]);
    expect(unknown).toMatchObject({ values: [4], unit: '' });
    expect(unknown?.reason).toContain('injected dose');
  });

  it('reads a raw value as one, with the reason, in whatever the frame has of its own', () => {
    const series = fakeSeries({ modality: 'MR', rescale_type: '' });
    expect(readAt(series, 0, ramp, [4, 0])).toMatchObject({ values: [4], unit: '' });
    expect(readAt(series, 0, ramp, [4, 0])?.reason).toContain('MR');
    const [frame] = series.frames;
    if (frame) frame.rescale_type = 'mGy';
    expect(readAt(series, 0, ramp, [4, 0])).toMatchObject({ unit: 'mGy', reason: '' });
  });

  it.each([3, 4])('reads red, green and blue out of %i numbers for each pixel', (channels) => {
    const colour = Uint8Array.from({ length: 80 * channels }, (_, i) => i % 251);
    const at = (2 * 10 + 3) * channels;
    const series = fakeSeries({ samples_per_pixel: 3, photometric_interpretation: 'RGB' });
    const found = readAt(series, 0, colour, [3, 2]);
    expect(found?.values).toEqual([...colour.slice(at, at + 3)]);
    expect(found?.unit).toBe('RGB');
  });
});
