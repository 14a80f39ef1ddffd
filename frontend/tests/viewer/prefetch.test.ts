import { describe, expect, it, vi } from 'vitest';
import { prefetch } from '../../src/viewer/prefetch';

/** Loads that end when they are told to. */
function hand() {
  const ends = new Map<number, () => void>();
  const asked: number[] = [];
  return {
    asked,
    load: (index: number) => {
      asked.push(index);
      return new Promise<void>((done) => ends.set(index, done));
    },
    end: async (...indexes: number[]) => {
      for (const index of indexes) ends.get(index)?.();
      await new Promise((done) => setTimeout(done));
    },
  };
}

const none = () => undefined;

describe('what is loaded for a later case', () => {
  it('stands still until the present case has all it loads', async () => {
    const [now, later] = [hand(), hand()];
    const present = prefetch({ count: 2, concurrency: 1, load: now.load, onLoaded: none });
    const ahead = prefetch({ count: 2, concurrency: 2, load: later.load, onLoaded: none, waits: true });
    expect(later.asked).toEqual([]);
    await now.end(0);
    expect(later.asked).toEqual([]);
    await now.end(1);
    expect(later.asked).toEqual([0, 1]);
    present.stop();
    ahead.stop();
  });

  it('pauses between two of its frames when the present case begins to load', async () => {
    const [now, later] = [hand(), hand()];
    const ahead = prefetch({ count: 3, concurrency: 1, load: later.load, onLoaded: none, waits: true });
    expect(later.asked).toEqual([0]);
    const present = prefetch({ count: 1, concurrency: 1, load: now.load, onLoaded: none });
    await later.end(0);
    expect(later.asked).toEqual([0]);
    present.stop();
    expect(later.asked).toEqual([0, 1]);
    ahead.stop();
    await later.end(1);
    expect(later.asked).toEqual([0, 1]);
  });

  it('is counted at the first and at the last frame, and not at each between them', async () => {
    const later = hand();
    const onLoaded = vi.fn();
    const ahead = prefetch({ count: 9, concurrency: 9, load: later.load, onLoaded, waits: true });
    await later.end(0);
    await later.end(1, 2, 3, 4, 5, 6, 7);
    expect(onLoaded.mock.calls).toEqual([[1]]);
    await later.end(8);
    expect(onLoaded.mock.calls).toEqual([[1], [9]]);
    ahead.stop();
  });

  it('is counted to the end though a frame fails', async () => {
    const onLoaded = vi.fn();
    const load = (index: number) => (index === 2 ? Promise.reject(new Error('gone')) : Promise.resolve());
    prefetch({ count: 3, concurrency: 1, load, onLoaded, waits: true });
    await new Promise((done) => setTimeout(done));
    expect(onLoaded.mock.calls).toEqual([[1], [2]]);
  });
});

it('goes on when a frame of the present case fails', async () => {
  const later = hand();
  const present = prefetch({
    count: 1,
    concurrency: 1,
    load: () => Promise.reject(new Error('gone')),
    onLoaded: none,
  });
  const ahead = prefetch({ count: 1, concurrency: 1, load: later.load, onLoaded: none, waits: true });
  await new Promise((done) => setTimeout(done));
  expect(later.asked).toEqual([0]);
  present.stop();
  ahead.stop();
});
