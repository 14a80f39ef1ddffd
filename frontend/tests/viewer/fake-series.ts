/** A series as the server describes it, made for tests; say only what matters. */
import type { SeriesDisplay } from '../../src/viewer/types';

interface Said {
  frames?: number;
  position?: [number, number, number];
  orientation?: readonly number[];
  spacing?: [number, number] | null;
  geometry?: SeriesDisplay['geometry'];
}

export function fakeSeries(said: Said & Partial<Omit<SeriesDisplay, 'frames'>> = {}): SeriesDisplay {
  const {
    frames = 1,
    position = [0, 0, 0],
    orientation = [1, 0, 0, 0, 1, 0],
    spacing = [1, 1],
    ...rest
  } = said;
  return {
    id: 1,
    version: 'a',
    modality: 'CT',
    description: '',
    token: 'token',
    frames_url: '/pixels/token/frames/{index}',
    thumbnail_url: '',
    frame_count: frames,
    rows: 8,
    columns: 10,
    samples_per_pixel: 1,
    photometric_interpretation: 'MONOCHROME2',
    planar_configuration: null,
    bits_allocated: 16,
    bits_stored: 12,
    high_bit: 11,
    pixel_representation: 0,
    rescale_slope: 1,
    rescale_intercept: -1024,
    rescale_type: 'HU',
    windows: [],
    pixel_spacing: spacing,
    spacing_source: 'pixel_spacing',
    slice_spacing: 3,
    geometry: 'volume',
    frame_time_ms: null,
    frame_of_reference: null,
    fidelity: { exact: true, note: '' },
    frames: Array.from({ length: frames }, (_, index) => ({
      index,
      sop_instance_uid: `1.2.${index}`,
      frame: 1,
      transfer_syntax_uid: '1.2.840.10008.1.2.1',
      position: [position[0], position[1], position[2] + 3 * index] as const,
      orientation,
    })),
    ...rest,
  };
}
