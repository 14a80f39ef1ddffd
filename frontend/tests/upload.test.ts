import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ImportItem } from '../src/api/types';
import { nameOf, nextChunk, pair, secondsLeft, waitBefore } from '../src/upload/plan';
import { send } from '../src/upload/send';

const item = (id: number, name: string, size: number, received = 0): ImportItem => ({
  id,
  name,
  size,
  received,
  state: 'receiving',
  reason_code: '',
  reason: '',
  report: {},
  created_at: '2026-11-23T10:00:00Z',
});
const file = (name: string, size: number) => new File([new Uint8Array(size)], name);
const named = (name: string, size: number) => ({ name, file: file(name, size) });

describe('the next chunk', () => {
  it('starts where the server stopped and never passes the end', () => {
    expect(nextChunk(0, 10, 4)).toEqual({ from: 0, to: 4 });
    expect(nextChunk(8, 10, 4)).toEqual({ from: 8, to: 10 });
    expect(nextChunk(10, 10, 4)).toBeNull();
  });
});

describe('pairing files with an interrupted import', () => {
  it('goes on with the same name and size, and leaves the rest for a new import', () => {
    const items = [item(1, 'a/1.dcm', 10, 4), item(2, 'a/2.dcm', 10, 10)];
    const { resumed, fresh } = pair(items, [named('a/1.dcm', 10), named('a/2.dcm', 10), named('b.dcm', 3)]);
    expect(resumed.map(({ item: { id } }) => id)).toEqual([1]);
    expect(fresh.map(({ name }) => name)).toEqual(['a/2.dcm', 'b.dcm']);
  });

  it('takes a file of the same name but another size for a new one', () => {
    const { resumed, fresh } = pair([item(1, 'a.dcm', 10, 4)], [named('a.dcm', 11)]);
    expect(resumed).toEqual([]);
    expect(fresh).toHaveLength(1);
  });

  it('gives two items of the same name and size to two files', () => {
    const { resumed } = pair([item(1, 'a', 5), item(2, 'a', 5)], [named('a', 5), named('a', 5)]);
    expect(resumed.map(({ item: { id } }) => id)).toEqual([1, 2]);
  });
});

describe('the name of a file', () => {
  it('keeps the folders below what was dropped', () => {
    expect(nameOf(Object.assign(file('1.dcm', 1), { relativePath: './study/1.dcm' }))).toBe('study/1.dcm');
    expect(nameOf(Object.assign(file('1.dcm', 1), { relativePath: '/study/1.dcm' }))).toBe('study/1.dcm');
    expect(nameOf(file('1.dcm', 1))).toBe('1.dcm');
  });
});

describe('waiting', () => {
  it('doubles, is capped, and keeps at least half of its length', () => {
    expect(waitBefore(0, 1)).toBe(1000);
    expect(waitBefore(3, 1)).toBe(8000);
    expect(waitBefore(3, 0)).toBe(4000);
    expect(waitBefore(30, 1)).toBe(30_000);
  });

  it('is estimated from the speed so far', () => {
    expect(secondsLeft(0, 100, 10_000)).toBeNull();
    expect(secondsLeft(50, 100, 500)).toBeNull();
    expect(secondsLeft(50, 100, 5000)).toBe(10);
  });
});

/** A server that keeps bytes, and can be told to fail. */
class Store {
  bytes: number[] = [];
  failures: (Response | Error)[] = [];
  offsets: number[] = [];

  readonly fetch = async (input: RequestInfo | URL): Promise<Response> => {
    const request = input as Request;
    request.signal.throwIfAborted();
    if (request.method === 'GET') return this.json({ received: this.bytes.length });
    const failure = this.failures.shift();
    if (failure instanceof Error) throw failure;
    if (failure) return failure;
    const offset = Number(new URL(request.url).searchParams.get('offset'));
    this.offsets.push(offset);
    if (offset !== this.bytes.length) return this.json({ code: 'conflict', detail: 'out of step' }, 409);
    this.bytes.push(...new Uint8Array(await request.arrayBuffer()));
    return this.json({ received: this.bytes.length });
  };

  json(body: unknown, status = 200): Response {
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
  }
}

describe('sending a file', () => {
  const content = Uint8Array.from({ length: 10 }, (_, at) => at);
  let store: Store;
  let paused: boolean[];
  let progress: number[];

  beforeEach(() => {
    store = new Store();
    paused = [];
    progress = [];
    vi.stubGlobal('fetch', store.fetch);
    vi.stubGlobal('location', new URL('http://site.test/'));
    vi.stubGlobal('document', { cookie: 'csrftoken=x' });
  });
  afterEach(() => vi.unstubAllGlobals());

  const go = (received = 0, signal = new AbortController().signal) =>
    send({
      item: item(7, 'a.dcm', 10, received),
      file: new Blob([content]),
      signal,
      chunkBytes: 4,
      onReceived: (bytes) => progress.push(bytes),
      onPaused: (is) => paused.push(is),
      wait: async () => undefined,
    });

  it('goes piece by piece until the server has it all', async () => {
    await go();
    expect(store.bytes).toEqual([...content]);
    expect(store.offsets).toEqual([0, 4, 8]);
    expect(progress).toEqual([4, 8, 10]);
  });

  it('goes on where an earlier page stopped', async () => {
    store.bytes = [...content.slice(0, 6)];
    await go(6);
    expect(store.offsets).toEqual([6]);
    expect(store.bytes).toEqual([...content]);
  });

  it('sends a piece again when it was not answered, and says that it waits', async () => {
    store.failures = [new TypeError('Failed to fetch'), store.json({ detail: 'busy' }, 503)];
    await go();
    expect(store.bytes).toEqual([...content]);
    expect(paused.slice(0, 3)).toEqual([true, true, false]);
  });

  it('asks the server where it is when a piece arrived but its answer did not', async () => {
    store.bytes = [...content.slice(0, 4)];
    await go(0);
    expect(store.offsets).toEqual([0, 4, 8]);
    expect(store.bytes).toEqual([...content]);
  });

  it('gives up at once when the server refuses the file, with its sentence', async () => {
    store.failures = [store.json({ code: 'too_large', detail: 'Over 512 MB.' }, 413)];
    await expect(go()).rejects.toThrow('Over 512 MB.');
    expect(store.bytes).toEqual([]);
  });

  it('does not insist when it stays out of step', async () => {
    store.failures = Array.from({ length: 9 }, () => store.json({ detail: 'This import is closed.' }, 409));
    await expect(go()).rejects.toThrow('This import is closed.');
  });

  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(go(0, controller.signal)).rejects.toBeDefined();
    expect(store.bytes).toEqual([]);
  });
});
