/** Orders for the worker, one after the other; giving up ends the worker, and the next order starts another. */

import type { Spacing } from './grid';
import type { Job, Progress } from './operations';
import type { VoxelPatch } from './patch';
import type { Statistics } from './tally';
import type { Order, Reply } from './worker';

export class GivenUp extends Error {}

export interface Thread {
  postMessage(order: Order, transfer: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Reply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

const start = (): Thread => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

export class Workbench {
  private thread: Thread | null = null;
  private abandon: ((why: Error) => void) | null = null;

  constructor(private readonly spawn: () => Thread = start) {}

  /** What the operation changes. The job's bytes go to the worker: give it a copy. */
  async patch(job: Job, progress: Progress): Promise<VoxelPatch | null> {
    const reply = await this.ask({ kind: 'patch', job }, [job.bytes.buffer as ArrayBuffer], progress);
    return reply.kind === 'patch' ? reply.patch : null;
  }

  /** Adds the pixels of one frame under its labels of that value. */
  async tally(value: number, labels: Uint8Array, pixels: ArrayLike<number>): Promise<void> {
    await this.ask({ kind: 'tally', value, labels, pixels }, []);
  }

  /** What was added since the last time, in numbers. */
  async total(spacing: Spacing, calibrated: boolean): Promise<Statistics | null> {
    const reply = await this.ask({ kind: 'total', spacing, calibrated }, []);
    return reply.kind === 'statistics' ? reply.statistics : null;
  }

  /** Ends what is under way; it fails with GivenUp. */
  giveUp(): void {
    this.end(new GivenUp());
  }

  private end(why: Error): void {
    this.thread?.terminate();
    this.thread = null;
    this.abandon?.(why);
    this.abandon = null;
  }

  private ask(order: Order, transfer: Transferable[], progress?: Progress): Promise<Reply> {
    const thread = (this.thread ??= this.spawn());
    return new Promise((done, fail) => {
      this.abandon = fail;
      thread.onmessage = ({ data }) => {
        if (data.kind === 'progress') return progress?.(data.part);
        this.abandon = null;
        done(data);
      };
      thread.onerror = (event) => this.end(new Error(event.message));
      thread.postMessage(order, transfer);
    });
  }
}
