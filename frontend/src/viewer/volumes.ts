/**
 * The voxels of a series in memory, once for all planes that are laid through it: the decoded frames
 * themselves, not a copy. They are let go when no pane shows a plane of them any more.
 */

import { imageLoader } from '@cornerstonejs/core';
import { imageIdOf, planesFrom } from './frames';
import { prefetch } from './prefetch';
import { sample, type Voxels } from './section';
import type { SeriesDisplay } from './types';

const AT_ONCE = 4;

interface Volume {
  frames: Voxels[];
  /** Below every stored value that is seen: what lies outside the volume. */
  fill: number;
}

const volumes = new Map<string, Promise<Volume>>();
const keyOf = (series: SeriesDisplay): string => `${series.id}/${series.version}`;

/** Loads every frame; tells how many there are so far. A frame that cannot be had fails the whole. */
export async function loadVolume(series: SeriesDisplay, onLoaded: (loaded: number) => void): Promise<void> {
  const key = keyOf(series);
  let volume = volumes.get(key);
  if (!volume) {
    volume = framesOf(series, onLoaded);
    volumes.set(key, volume);
    volume.catch(() => volumes.delete(key));
  }
  await volume;
  onLoaded(series.frame_count);
}

function framesOf(series: SeriesDisplay, onLoaded: (loaded: number) => void): Promise<Volume> {
  const frames: Voxels[] = new Array(series.frame_count);
  return new Promise((done, fail) => {
    const work = prefetch({
      count: series.frame_count,
      concurrency: AT_ONCE,
      load: async (index) => {
        try {
          const image = await imageLoader.loadAndCacheImage(imageIdOf(series.id, index));
          frames[index] = image.getPixelData() as Voxels;
        } catch (error) {
          work.stop();
          fail(error);
          throw error;
        }
      },
      onLoaded: (loaded) => {
        onLoaded(loaded);
        if (loaded === series.frame_count) done({ frames, fill: lowest(frames) });
      },
    });
  });
}

function lowest(frames: readonly Voxels[]): number {
  let low = Number.POSITIVE_INFINITY;
  for (const value of frames[Math.floor(frames.length / 2)] as Voxels) if (value < low) low = value;
  return low;
}

/** A plane cuts all frames of its series: all must be there. Tells how many planes that is worth so far. */
export async function gather(planes: SeriesDisplay, onLoaded: (loaded: number) => void): Promise<void> {
  if (!planes.section) return;
  const { source } = planes.section;
  const share = planes.frame_count / source.frame_count;
  await loadVolume(source, (loaded) => onLoaded(Math.floor(loaded * share)));
}

/** Lets go of all but the volumes of these series. */
export function forgetVolumesBut(kept: readonly SeriesDisplay[]): void {
  const keys = new Set(kept.map(keyOf));
  for (const key of [...volumes.keys()]) if (!keys.has(key)) volumes.delete(key);
}

planesFrom(async ({ section }, index) => {
  if (!section) throw new TypeError('This series is no plane of another.');
  await loadVolume(section.source, () => undefined);
  const { frames, fill } = (await volumes.get(keyOf(section.source))) as Volume;
  return sample(frames, section.box, section.grid, index, { fill });
});
