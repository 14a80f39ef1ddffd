/** Loads the frames of a series ahead of the reader: nearest first, a few at a time, within a cap. */

import type { SeriesDisplay } from './types';

const AT_ONCE = 4;
const MOST_BYTES = 1024 ** 3;

export interface Prefetch {
  /** The reader moved: what lies near is wanted first. */
  moveTo(index: number): void;
  stop(): void;
}

interface Plan {
  count: number;
  concurrency: number;
  /** Resolves once the frame is in memory; a failure is left to the reader's own request. */
  load: (index: number) => Promise<unknown>;
  onLoaded: (loaded: number) => void;
}

/** Indexes in the order they are wanted from where the reader is: ahead before behind. */
export function nearestFirst(pending: Iterable<number>, from: number): number[] {
  const distance = (index: number): number => (index >= from ? index - from : (from - index) * 1.5);
  return [...pending].sort((a, b) => distance(a) - distance(b));
}

export function prefetch({ count, concurrency, load, onLoaded }: Plan): Prefetch {
  const pending = new Set(Array.from({ length: count }, (_, index) => index));
  let from = 0;
  let running = 0;
  let loaded = 0;
  let stopped = false;

  const next = (): void => {
    while (!stopped && running < concurrency && pending.size > 0) {
      const index = nearestFirst(pending, from)[0] as number;
      pending.delete(index);
      running += 1;
      load(index)
        .then(
          () => {
            loaded += 1;
            if (!stopped) onLoaded(loaded);
          },
          () => undefined,
        )
        .finally(() => {
          running -= 1;
          next();
        });
    }
  };

  next();
  return {
    moveTo(index) {
      from = index;
    },
    stop() {
      stopped = true;
    },
  };
}

type Ahead = Pick<Plan, 'load' | 'onLoaded'> & { panes: number };

/** As much of a series as memory has room for, shared with the other panes. */
export function aheadOf(series: SeriesDisplay, { panes, load, onLoaded }: Ahead): Prefetch {
  const frameBytes =
    series.rows * series.columns * series.samples_per_pixel * (series.bits_allocated > 8 ? 2 : 1);
  const room = Math.max(1, Math.floor(MOST_BYTES / panes / frameBytes));
  return prefetch({ count: Math.min(series.frame_count, room), concurrency: AT_ONCE, load, onLoaded });
}
