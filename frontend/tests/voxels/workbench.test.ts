import { beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/voxels/operations';
import { GivenUp, type Thread, Workbench } from '../../src/voxels/workbench';
import type { Order } from '../../src/voxels/worker';

class FakeThread implements Thread {
  onmessage: Thread['onmessage'] = null;
  onerror: Thread['onerror'] = null;
  ended = false;
  readonly orders: Order[] = [];

  postMessage(order: Order): void {
    this.orders.push(order);
  }

  terminate(): void {
    this.ended = true;
  }

  say(data: unknown): void {
    this.onmessage?.({ data } as MessageEvent);
  }
}

let threads: FakeThread[];
let bench: Workbench;
const job: Job = {
  bytes: new Uint8Array(1),
  grid: { frames: 1, rows: 1, columns: 1 },
  spacing: { column: 1, row: 1, frame: null },
  frame: 0,
  value: 1,
  locked: [],
  operation: { kind: 'interpolate' },
};

beforeEach(() => {
  threads = [];
  bench = new Workbench(() => {
    const thread = new FakeThread();
    threads.push(thread);
    return thread;
  });
});

describe('the workbench', () => {
  it('starts a thread with the first order, says how far it is, and hands over the patch', async () => {
    expect(threads).toHaveLength(0);
    const parts: number[] = [];
    const made = bench.patch(job, (part) => parts.push(part));
    threads[0]?.say({ kind: 'progress', part: 0.5 });
    threads[0]?.say({ kind: 'patch', patch: null });
    expect(await made).toBeNull();
    expect(parts).toEqual([0.5]);
  });

  it('ends the thread when it is given up, and starts another for the next order', async () => {
    const made = bench.patch(job, () => undefined);
    bench.giveUp();
    await expect(made).rejects.toBeInstanceOf(GivenUp);
    expect(threads[0]?.ended).toBe(true);
    const next = bench.patch(job, () => undefined);
    threads[1]?.say({ kind: 'patch', patch: null });
    expect(await next).toBeNull();
  });

  it('says what went wrong in the thread', async () => {
    const made = bench.tally(1, new Uint8Array(1), [1]);
    threads[0]?.onerror?.({ message: 'out of memory' } as ErrorEvent);
    await expect(made).rejects.toThrow('out of memory');
  });
});
