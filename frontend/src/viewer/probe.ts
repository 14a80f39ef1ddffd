/** The value of a pixel, in the unit that a reader means by it, or raw with the reason; and where it lies. */

import { type Key, t } from '../strings';
import { planeOf, toWorld } from './plane';
import type { FrameDescription, Point, SeriesDisplay, Vector } from './types';
import { isColour } from './windows';

export interface Reading {
  column: number;
  row: number;
  /** One number; three for colour. */
  values: readonly number[];
  /** 'HU', 'SUV', the unit that the object names, 'RGB', or '' for a value that has none. */
  unit: string;
  /** Why the value is raw, as a sentence; '' if it is not. */
  reason: string;
  /** The centre of the pixel in mm, LPS; null where nobody knows where the image lies. */
  position: Vector | null;
}

/** What is known of the pixel nearest to a place in the frame; null beyond its edges. */
export function readAt(
  series: SeriesDisplay,
  index: number,
  pixels: ArrayLike<number>,
  [x, y]: Point,
): Reading | null {
  const { rows, columns } = { ...series, ...(series.frames[index] as FrameDescription) };
  const [column, row] = [Math.round(x), Math.round(y)];
  if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
  const channels = Math.round(pixels.length / (rows * columns));
  const first = (row * columns + column) * channels;
  const values = Array.from(
    { length: channels > 1 ? 3 : 1 },
    (_, channel) => pixels[first + channel] as number,
  );
  const plane = planeOf(series, index);
  const position = plane.real && plane.calibrated ? toWorld(plane, [column, row]) : null;
  return { column, row, ...meaning(series, index, values), position };
}

function meaning(
  series: SeriesDisplay,
  index: number,
  values: readonly number[],
): Pick<Reading, 'values' | 'unit' | 'reason'> {
  if (isColour(series)) return { values, unit: 'RGB', reason: '' };
  const { modality, suv } = series;
  const unit = series.frames[index]?.rescale_type ?? series.rescale_type;
  if (modality === 'PT') {
    if (suv?.factor)
      return { values: values.map((value) => value * (suv.factor ?? 1)), unit: 'SUV', reason: '' };
    return { values, unit, reason: t('probe.noUptake', { reason: suv?.reason || t('probe.notAsked') }) };
  }
  return { values, unit, reason: unit ? '' : t(RAW[modality] ?? 'probe.raw') };
}

const RAW: Readonly<Record<string, Key>> = { MR: 'probe.rawMR', CT: 'probe.rawCT' };
