import { beforeEach, expect, it, vi } from 'vitest';
import * as actions from '../src/api/actions';
import { ApiError } from '../src/api/http';
import * as queries from '../src/api/queries';
import type { ImportBatch, ImportItem } from '../src/api/types';
import type { NamedFile } from '../src/upload/plan';
import * as sending from '../src/upload/send';
import { underway, Upload } from '../src/upload/uploads.svelte';

const named = (name: string): NamedFile => ({ name, file: new File([new Uint8Array(5)], name) });
const item = (id: number, name: string): ImportItem => ({
  id,
  name,
  size: 5,
  received: 0,
  state: 'receiving',
  reason_code: '',
  reason: '',
  report: {},
  created_at: '',
});

/** Imports on the server: the files that each still misses. */
let missing: Map<number, ImportItem[]>;
let openBy: Map<number, string>;
let completed: number[];
let refuse: Set<string>;
let upload: Upload;

beforeEach(() => {
  missing = new Map();
  openBy = new Map();
  completed = [];
  refuse = new Set();
  upload = new Upload('lungs');
  let next = 100;
  vi.spyOn(queries.queryClient, 'fetchQuery').mockResolvedValue({ username: 'ada' });
  vi.spyOn(queries.queryClient, 'invalidateQueries').mockResolvedValue();
  vi.spyOn(queries.queryClient, 'fetchInfiniteQuery').mockImplementation(async () => ({
    pageParams: [],
    pages: [{ results: [...openBy].map(([id, by]) => ({ id, state: 'receiving', created_by: by })) }],
  }));
  vi.spyOn(queries, 'importItems').mockImplementation(async (id) => ({
    next: null,
    previous: null,
    results: [...(missing.get(id) ?? [])],
  }));
  vi.spyOn(actions, 'beginImport').mockImplementation(async (_slug, files) => {
    const id = next++;
    const items = files.map(({ name }, at) => item(id * 100 + at, name));
    missing.set(id, [...items]);
    return { id, items } as unknown as Awaited<ReturnType<typeof actions.beginImport>>;
  });
  vi.spyOn(actions, 'completeImport').mockImplementation(async (id) => {
    if (missing.get(id)?.length)
      throw new ApiError({ status: 409, code: 'conflict', title: '', detail: 'missing' });
    completed.push(id);
    return {} as ImportBatch;
  });
  vi.spyOn(sending, 'send').mockImplementation(async ({ item: { id }, file }) => {
    await Promise.resolve();
    if (refuse.has((file as File).name)) throw new Error('too large');
    for (const items of missing.values()) {
      const at = items.findIndex((one) => one.id === id);
      if (at >= 0) items.splice(at, 1);
    }
  });
});

const ended = () => vi.waitFor(() => expect(upload.running).toBe(false));

it('an interrupted import whose files are elsewhere holds up no other', async () => {
  missing.set(1, [item(11, 'lost.dcm')]);
  openBy.set(1, 'ada');
  await upload.add([named('new.dcm')]);
  await ended();
  expect(completed).toEqual([100]);
  expect(upload.error).toBe('');
});

it('one of two missing files is taken, and its import waits for the other', async () => {
  missing.set(1, [item(11, 'a.dcm'), item(12, 'b.dcm')]);
  openBy.set(1, 'ada');
  expect(await upload.add([named('a.dcm')])).toBe(1);
  await ended();
  expect(completed).toEqual([]);
  expect(upload.error).toBe('');
  expect(await upload.add([named('b.dcm')])).toBe(1);
  await ended();
  expect(completed).toEqual([1]);
});

it("a colleague's import that is under way is left alone", async () => {
  missing.set(1, [item(11, 'a.dcm')]);
  openBy.set(1, 'bob');
  expect(await upload.add([named('a.dcm')])).toBe(0);
  await ended();
  expect(completed).toEqual([100]);
  expect(missing.get(1)).toHaveLength(1);
});

it('a file that was refused holds up its own import alone', async () => {
  refuse.add('huge.dcm');
  await upload.add([named('huge.dcm')]);
  await ended();
  expect(upload.failed.map(({ name }) => name)).toEqual(['huge.dcm']);
  await upload.add([named('good.dcm')]);
  await ended();
  expect(completed).toEqual([101]);
  expect(upload.failed).toEqual([]);
});

it('files added while the first are being ended are sent too', async () => {
  vi.mocked(actions.completeImport).mockImplementationOnce(async (id) => {
    void upload.add([named('late.dcm')]);
    await new Promise((done) => setTimeout(done, 20));
    completed.push(id);
    return {} as ImportBatch;
  });
  await upload.add([named('first.dcm')]);
  await ended();
  expect(completed).toEqual([100, 101]);
});

it('what was announced before the server refused more is sent all the same', async () => {
  const begin = vi.mocked(actions.beginImport).getMockImplementation() as typeof actions.beginImport;
  vi.mocked(actions.beginImport)
    .mockImplementationOnce(begin)
    .mockImplementationOnce(async () => {
      throw new Error('The disk is full.');
    });
  await upload.add(Array.from({ length: 5001 }, (_, number) => named(`${number}.dcm`)));
  await ended();
  expect(completed).toEqual([100]);
  expect(upload.error).toBe('The disk is full.');
});

it('is under way until it has ended or was cancelled, and what comes next is not', async () => {
  vi.spyOn(actions, 'cancelImport').mockResolvedValue({} as ImportBatch);
  await upload.add([named('a.dcm')]);
  expect(underway).toHaveLength(1);
  await upload.cancel();
  expect(underway).toEqual([]);
  expect(actions.cancelImport).toHaveBeenCalledWith(100);
  await upload.add([named('b.dcm')]);
  await ended();
  expect(completed).toEqual([101]);
  expect(underway).toEqual([]);
});
