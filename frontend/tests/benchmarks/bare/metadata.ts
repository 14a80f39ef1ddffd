/** A series of our server as the DICOM JSON that the library's own WADO-RS loader asks for. */

import type { FrameDescription, SeriesDisplay } from '../../../src/viewer/types';

type Values = Record<string, { vr: string; Value: unknown[] }>;

export function dicomJson(series: SeriesDisplay, frame: FrameDescription): Values {
  const all = { ...series, ...frame };
  const found: Values = {};
  const put = (tag: string, vr: string, ...Value: unknown[]) => {
    found[tag] = { vr, Value };
  };
  put('00080016', 'UI', '1.2.840.10008.5.1.4.1.1.2');
  put('00080018', 'UI', frame.sop_instance_uid);
  put('00080060', 'CS', series.modality);
  put('0020000D', 'UI', '1.2.3');
  put('0020000E', 'UI', `1.2.3.${series.id}`);
  put('00200013', 'IS', frame.index + 1);
  put('00200032', 'DS', ...(frame.position ?? [0, 0, frame.index]));
  put('00200037', 'DS', ...(frame.orientation ?? [1, 0, 0, 0, 1, 0]));
  put('00200052', 'UI', `1.2.3.${series.id}.1`);
  put('00280002', 'US', all.samples_per_pixel);
  put('00280004', 'CS', all.photometric_interpretation);
  put('00280010', 'US', all.rows);
  put('00280011', 'US', all.columns);
  put('00280030', 'DS', ...(all.pixel_spacing ?? [1, 1]));
  put('00280100', 'US', all.bits_allocated);
  put('00280101', 'US', all.bits_stored);
  put('00280102', 'US', all.high_bit);
  put('00280103', 'US', all.pixel_representation);
  put('00281052', 'DS', all.rescale_intercept);
  put('00281053', 'DS', all.rescale_slope);
  return found;
}
