/**
 * Loads frames before the reader wants them: nearest first, a few at a time. What belongs to the case that
 * is being read goes before whatever is loaded for a later one: that waits until the former is there.
 */

import type { SeriesDisplay } from './types';

const AT_ONCE = 5;
const MOST_BYTES = 1024 ** 3;
/** Whoever shows the number draws the page anew: for each of many frames, that would take longer than loading. */
const TELL_MS = 100;

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
  /** Told at the first, at the last, and now and then in between. */
  onLoaded: (loaded: number) => void;
  /** For a later case: stands still while anything of the present one is under way. */
  waits?: boolean;
}

/** Those of the present case that have frames to load, and what to do when there is none left. */
const urgent = new Set<Prefetch>();
const waiting = new Set<() => void>();

function settled(one: Prefetch): void {
  if (!urgent.delete(one) || urgent.size > 0) return;
  for (const goOn of [...waiting]) goOn();
}

/** Indexes in the order they are wanted from where the reader is: ahead before behind. */
export function nearestFirst(pending: Iterable<number>, from: number): number[] {
  const distance = (index: number): number => (index >= from ? index - from : (from - index) * 1.5);
  return [...pending].sort((a, b) => distance(a) - distance(b));
}

/** Bytes that a frame takes in memory. */
export function frameBytes(pixels: {
  rows: number;
  columns: number;
  samples_per_pixel: number;
  bits_allocated: number;
}): number {
  return pixels.rows * pixels.columns * pixels.samples_per_pixel * (pixels.bits_allocated > 8 ? 2 : 1);
}

export function prefetch({ count, concurrency, load, onLoaded, waits = false }: Plan): Prefetch {
  const pending = new Set(Array.from({ length: count }, (_, index) => index));
  let from = 0;
  let running = 0;
  let loaded = 0;
  let stopped = false;
  let told = { at: Number.NEGATIVE_INFINITY, loaded: 0 };

  const tell = (): void => {
    const now = performance.now();
    const isLast = running === 0 && pending.size === 0;
    if (stopped || told.loaded === loaded || (!isLast && now - told.at < TELL_MS)) return;
    told = { at: now, loaded };
    onLoaded(loaded);
  };

  const next = (): void => {
    while (!stopped && running < concurrency && pending.size > 0 && !(waits && urgent.size > 0)) {
      const index = nearestFirst(pending, from)[0] as number;
      pending.delete(index);
      running += 1;
      load(index)
        .then(
          () => {
            loaded += 1;
          },
          () => undefined,
        )
        .finally(() => {
          running -= 1;
          tell();
          next();
        });
    }
    if (stopped || (running === 0 && pending.size === 0)) end();
  };

  const end = (): void => {
    waiting.delete(next);
    settled(made);
  };

  const made: Prefetch = {
    moveTo(index) {
      from = index;
    },
    stop() {
      stopped = true;
      end();
    },
  };
  if (waits) waiting.add(next);
  else urgent.add(made);
  next();
  return made;
}

type Ahead = Pick<Plan, 'load' | 'onLoaded'> & { panes: number };

/** As much of a series as memory has room for, shared with the other panes. */
export function aheadOf(series: SeriesDisplay, { panes, load, onLoaded }: Ahead): Prefetch {
  const room = Math.max(1, Math.floor(MOST_BYTES / panes / frameBytes(series)));
  return prefetch({ count: Math.min(series.frame_count, room), concurrency: AT_ONCE, load, onLoaded });
}
