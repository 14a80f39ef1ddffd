/** Ranges of pixel values: what an image holds, where it falls into two, and what lies under a brush. */

import type { VoxelPatch } from './patch';

export interface ValueRange {
  low: number;
  high: number;
}

const BINS = 256;

export function extremes(values: ArrayLike<number>): ValueRange {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : { low: 0, high: 0 };
}

/** What the pixels hold where a patch of one frame changes something. */
export function rangeUnder({ starts, lengths }: VoxelPatch, pixels: ArrayLike<number>): ValueRange {
  const found: number[] = [];
  starts.forEach((start, i) => {
    for (let at = start; at < start + (lengths[i] as number); at++) found.push(pixels[at] as number);
  });
  return extremes(found);
}

/**
 * From the value that best parts the pixels into dark and bright, up to the brightest.
 * Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE Transactions on SMC 9 (1979), 62-66.
 */
export function brightPart(values: ArrayLike<number>): ValueRange {
  const { low, high } = extremes(values);
  if (low === high) return { low, high };
  const counts = new Float64Array(BINS);
  const scale = (BINS - 1) / (high - low);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor(((values[i] as number) - low) * scale);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return { low: low + (split(counts) + 1) / scale, high };
}

/** The last bin of the darker part, so that the two parts differ most. */
function split(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sum = counts.reduce((all, count, bin) => all + count * bin, 0);
  let [best, most, below, belowSum] = [0, -1, 0, 0];
  for (let bin = 0; bin < BINS - 1; bin++) {
    const count = counts[bin] as number;
    below += count;
    belowSum += count * bin;
    const above = total - below;
    if (below === 0 || above === 0) continue;
    const apart = below * above * (belowSum / below - (sum - belowSum) / above) ** 2;
    if (apart > most) [best, most] = [bin, apart];
  }
  return best;
}
