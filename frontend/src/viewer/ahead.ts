/** The frames of the case after the present one: into memory within a cap, behind everything the reader waits for. */

import { imageLoader } from '@cornerstonejs/core';
import { fetchOnly, imageIdOf, isOtherVersion, keepAhead, registerSeries, type Renew } from './frames';
import { frameBytes, type Prefetch, prefetch } from './prefetch';
import type { SeriesDisplay } from './types';

const AT_ONCE = 2;
const MOST_BYTES = 512 * 1024 ** 2;
const MOST_BYTES_OF_SMALL = 128 * 1024 ** 2;
const SMALL_GIGABYTES = 4;

/** How many bytes of a later case this machine has room for, beside the present one. */
export function room(gigabytes = (navigator as { deviceMemory?: number }).deviceMemory ?? 8): number {
  return gigabytes <= SMALL_GIGABYTES ? MOST_BYTES_OF_SMALL : MOST_BYTES;
}

export interface Wanted {
  series: SeriesDisplay;
  index: number;
}

/** What is loaded, in that order: series by series as the case lists them, until the room is taken. */
export function wantedOf(all: readonly SeriesDisplay[], bytes: number): Wanted[] {
  const wanted: Wanted[] = [];
  let left = bytes;
  for (const series of all) {
    const each = frameBytes(series);
    for (let index = 0; index < series.frame_count && each <= left; index += 1) {
      wanted.push({ series, index });
      left -= each;
    }
  }
  return wanted;
}

/** Frames of a series that the present case shows another version of stay out of memory: one id, one version. */
function load({ series, index }: Wanted): Promise<unknown> {
  if (isOtherVersion(series)) return fetchOnly(series, index);
  return imageLoader.loadAndCacheImage(imageIdOf(series.id, index));
}

export function loadAhead(
  all: readonly SeriesDisplay[],
  renew: Renew,
  onLoaded: (loaded: number, all: number) => void,
): Prefetch {
  const wanted = wantedOf(all, room());
  const own = all.filter((series) => !isOtherVersion(series));
  for (const series of own) registerSeries(series, renew);
  keepAhead(own.map(({ id }) => id));
  return prefetch({
    count: wanted.length,
    concurrency: AT_ONCE,
    load: (place) => load(wanted[place] as Wanted),
    onLoaded: (loaded) => onLoaded(loaded, wanted.length),
    waits: true,
  });
}
