/** Window and level: presets per modality, and a sensible first window where the file names none. */

import type { SeriesDisplay, Window } from './types';

const CT_PRESETS: Window[] = [
  { name: 'Soft tissue', center: 40, width: 400 },
  { name: 'Lung', center: -600, width: 1500 },
  { name: 'Liver', center: 90, width: 150 },
  { name: 'Bone', center: 480, width: 2500 },
  { name: 'Brain', center: 40, width: 80 },
];

const LOW_QUANTILE = 0.01;
const HIGH_QUANTILE = 0.995;
const SAMPLES = 20_000;

/** The window between two quantiles of the pixels, so that a few extreme ones do not flatten the rest. */
export function windowOfPixels(pixels: ArrayLike<number>): Window {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLES));
  const sample: number[] = [];
  for (let i = 0; i < pixels.length; i += step) sample.push(pixels[i] as number);
  sample.sort((a, b) => a - b);
  const at = (quantile: number): number => sample[Math.floor(quantile * (sample.length - 1))] ?? 0;
  const low = at(LOW_QUANTILE);
  const high = Math.max(at(HIGH_QUANTILE), low + 1);
  return { name: 'Whole range', center: (low + high) / 2, width: high - low };
}

export function isColour(series: SeriesDisplay): boolean {
  return series.samples_per_pixel > 1 || series.photometric_interpretation === 'PALETTE COLOR';
}

/** The windows a reader can choose from with one key: the file's own first, then the modality's. */
export function presetsFor(series: SeriesDisplay): Window[] {
  if (isColour(series)) return [];
  const own = series.windows.map((window, i) => ({ ...window, name: window.name || `Stored ${i + 1}` }));
  return [...own.slice(0, 3), ...(series.modality === 'CT' ? CT_PRESETS : [])].slice(0, 9);
}

export interface Range {
  lower: number;
  upper: number;
}

/** Centre and width to the linear ramp's ends (PS3.3 C.11.2.1.2.1). */
export function toRange({ center, width }: { center: number; width: number }): Range {
  return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 };
}

export function fromRange({ lower, upper }: Range): { center: number; width: number } {
  return { center: (lower + upper + 1) / 2, width: upper - lower + 1 };
}

/** The window that the object itself asks for on this frame. */
export function storedWindow(series: SeriesDisplay, index: number): Window | null {
  return (series.frames[index]?.windows ?? series.windows)[0] ?? null;
}
