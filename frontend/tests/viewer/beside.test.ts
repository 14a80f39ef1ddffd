import { describe, expect, it } from 'vitest';
import { badgeOf, besideOf, locationOf, spacingNote } from '../../src/viewer/beside';
import { EMPTY, type ViewerState } from '../../src/viewer/state';
import type { SeriesDisplay } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

const state = (series: SeriesDisplay, change: Partial<ViewerState> = {}): ViewerState => ({
  ...EMPTY,
  phase: 'ready',
  series,
  ...change,
});

describe('beside the image', () => {
  it('stands what it is, which one, where it lies and how thick', () => {
    const series = fakeSeries({
      frames: 120,
      description: 'Thin lung',
      position: [0, 0, -300.25],
      technique: { thickness_mm: 1.25 },
    });
    expect(besideOf(state(series, { index: 11, wanted: 11 })).what).toEqual([
      'Thin lung',
      '12 / 120',
      'Loc -267.3 mm  Thk 1.25 mm',
    ]);
  });

  it('stands how it was taken; of the frame, where that differs', () => {
    const series = fakeSeries({ frames: 2, modality: 'MR', technique: { repetition_ms: 2000, echo_ms: 10 } });
    const [, second] = series.frames;
    if (second) second.technique = { repetition_ms: 2000, echo_ms: 90, field_tesla: 1.5 };
    expect(besideOf(state(series)).how).toEqual(['TR 2000 ms  TE 10 ms']);
    expect(besideOf(state(series, { index: 1 })).how).toEqual(['1.5 T  TR 2000 ms  TE 90 ms']);
    const film = fakeSeries({ technique: { kvp: 120, exposure_mas: 2.5, view: 'PA', laterality: 'L' } });
    expect(besideOf(state(film)).how).toEqual(['PA  left  120 kV  2.5 mAs']);
  });

  it('stands how it is looked at, and that it is not the usual way', () => {
    const window = { name: 'Lung', center: -600, width: 1500 };
    expect(besideOf(state(fakeSeries(), { window, zoom: 2 })).look).toEqual([
      'W 1500  L -600  Lung',
      '200 %',
    ]);
    const turn = { rotation: 90, mirrored: true } as const;
    const look = besideOf(state(fakeSeries(), { turn, inverted: true, zoom: 0.4 })).look;
    expect(look).toEqual(['Mirrored · Turned 90° · Inverted', '40 %, smaller than stored']);
  });

  it('stands nothing of a series that was taken in before technique was told', () => {
    expect(besideOf(state(fakeSeries())).how).toEqual([]);
  });
});

describe('the location', () => {
  it('grows towards the head, whichever way the normal points', () => {
    const normal = fakeSeries({ frames: 3, position: [0, 0, 10] });
    expect(locationOf(normal, 2)).toBe(16);
    const opposite = fakeSeries({ frames: 3, position: [0, 0, 10], orientation: [1, 0, 0, 0, -1, 0] });
    expect(locationOf(opposite, 2)).toBe(16);
  });

  it('is not made up', () => {
    expect(locationOf(fakeSeries({ frames: 3, geometry: 'unknown' }), 0)).toBeNull();
  });
});

describe('millimetres', () => {
  it.each([
    ['pixel_spacing', ''],
    ['detector', 'mm at the detector: in the body it is less'],
    ['calibrated', 'mm calibrated'],
  ])('of the source %s', (source, note) => {
    expect(spacingNote(fakeSeries({ spacing_source: source }))).toBe(note);
  });

  it('that nobody knows rest on nothing', () => {
    expect(spacingNote(fakeSeries({ spacing: null, spacing_source: 'unknown' }))).toBe('');
  });
});

describe('the badge', () => {
  const badge = (fidelity: SeriesDisplay['fidelity']) => badgeOf(fakeSeries({ fidelity }));

  it('is absent where the pixels are the stored ones', () => {
    expect(badge({ exact: true, note: '' })).toBeNull();
  });

  it('names the gravest reason', () => {
    expect(badge({ exact: false, note: 'x', reasons: ['decoded', 'palette'] })?.title).toBe(
      'Not the stored pixels',
    );
    expect(badge({ exact: true, note: 'x', reasons: ['lossy', 'decoded'] })).toEqual({
      title: 'Lossy image',
      warns: true,
    });
    expect(badge({ exact: true, note: 'x', reasons: ['decoded'] })).toEqual({
      title: 'Decoded copy',
      warns: false,
    });
  });

  it('tells a note about the place of the images, too', () => {
    expect(badge({ exact: true, note: '1 slice seems to be missing.' })?.title).toBe('Note on the images');
  });
});
