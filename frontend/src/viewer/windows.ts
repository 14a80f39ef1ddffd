/** Window and level: presets per modality, and a sensible first window where the file names none. */

import { type Key, t } from '../strings';
import type { SeriesDisplay, Window } from './types';

/** A window by its numbers, or one that is taken from the pixels of the frame shown. */
export type Preset = Window | { name: string; quantiles: readonly [low: number, high: number] };

const CT_PRESETS: readonly [key: Key, center: number, width: number][] = [
  ['preset.softTissue', 40, 400],
  ['preset.lung', -600, 1500],
  ['preset.bone', 480, 2500],
  ['preset.brain', 40, 80],
  ['preset.abdomen', 60, 350],
  ['preset.mediastinum', 50, 450],
  ['preset.liver', 90, 150],
];
const UPTAKES = [5, 7, 10, 20];
const QUANTILES: readonly [key: Key, low: number, high: number][] = [
  ['preset.auto', 0.01, 0.995],
  ['preset.autoHard', 0.05, 0.95],
  ['preset.whole', 0, 1],
];
const MOST_PRESETS = 9;

const LOW_QUANTILE = 0.01;
const HIGH_QUANTILE = 0.995;
const SAMPLES = 20_000;

/** The window between two quantiles of the pixels, so that a few extreme ones do not flatten the rest. */
export function windowOfPixels(
  pixels: ArrayLike<number>,
  [lowest, highest]: readonly [number, number] = [LOW_QUANTILE, HIGH_QUANTILE],
  name = t('preset.auto'),
): Window {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLES));
  const sample: number[] = [];
  for (let i = 0; i < pixels.length; i += step) sample.push(pixels[i] as number);
  sample.sort((a, b) => a - b);
  const at = (quantile: number): number => sample[Math.floor(quantile * (sample.length - 1))] ?? 0;
  const low = at(lowest);
  const high = Math.max(at(highest), low + 1);
  return { name, center: (low + high) / 2, width: high - low };
}

export function isColour(series: SeriesDisplay): boolean {
  return series.samples_per_pixel > 1 || series.photometric_interpretation === 'PALETTE COLOR';
}

/** The windows a reader can choose from with one key: the file's own first, then those of its kind. */
export function presetsFor(series: SeriesDisplay): Preset[] {
  if (isColour(series)) return [];
  const own = series.windows.map((window, i) => ({
    ...window,
    name: window.name || t('preset.stored', { number: i + 1 }),
  }));
  return [...own.slice(0, 3), ...ofItsKind(series)].slice(0, MOST_PRESETS);
}

function ofItsKind({ modality, suv }: SeriesDisplay): Preset[] {
  if (modality === 'CT') return CT_PRESETS.map(([key, center, width]) => ({ name: t(key), center, width }));
  const byPixels = QUANTILES.map(([key, low, high]) => ({ name: t(key), quantiles: [low, high] as const }));
  if (modality !== 'PT' || !suv?.factor) return byPixels;
  const { factor } = suv;
  const byUptake = UPTAKES.map((most) => ({
    name: t('preset.uptake', { most }),
    ...fromRange({ lower: 0, upper: most / factor }),
  }));
  return [...byUptake, ...byPixels];
}

export function windowOf(preset: Preset, pixels: ArrayLike<number>): Window {
  return 'quantiles' in preset ? windowOfPixels(pixels, preset.quantiles, preset.name) : preset;
}

type Numbers = Pick<Window, 'center' | 'width'>;

export function isSameWindow(a: Numbers, b: Numbers): boolean {
  const tolerance = 0.0001 * Math.max(Math.abs(a.width), 1);
  return Math.abs(a.center - b.center) < tolerance && Math.abs(a.width - b.width) < tolerance;
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

/** The window that the object itself asks for on this frame, by the name that it has among the presets. */
export function storedWindow(series: SeriesDisplay, index: number): Window | null {
  const [window] = series.frames[index]?.windows ?? series.windows;
  return window ? { ...window, name: window.name || t('preset.stored', { number: 1 }) } : null;
}
