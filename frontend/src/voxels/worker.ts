/** The thread in which segments are worked on, so that the page never stands still. */

import { type Job, patchOf } from './operations';
import type { Spacing } from './grid';
import { type Statistics, Tally } from './tally';
import type { VoxelPatch } from './patch';

export type Order =
  | { kind: 'patch'; job: Job }
  /** The pixels of one frame and its labels; the last one asks for the result. */
  | { kind: 'tally'; value: number; labels: Uint8Array; pixels: ArrayLike<number> }
  | { kind: 'total'; spacing: Spacing; calibrated: boolean };

export type Reply =
  | { kind: 'progress'; part: number }
  | { kind: 'patch'; patch: VoxelPatch | null }
  | { kind: 'tallied' }
  | { kind: 'statistics'; statistics: Statistics | null };

let tally = new Tally();

function answer(order: Order): Reply {
  if (order.kind === 'patch') {
    const progress = (part: number) => postMessage({ kind: 'progress', part } satisfies Reply);
    return { kind: 'patch', patch: patchOf(order.job, progress) };
  }
  if (order.kind === 'tally') {
    tally.add(order.pixels, order.labels, order.value);
    return { kind: 'tallied' };
  }
  const statistics = tally.result(order.spacing, order.calibrated);
  tally = new Tally();
  return { kind: 'statistics', statistics };
}

addEventListener('message', ({ data }: MessageEvent<Order>) => postMessage(answer(data)));
