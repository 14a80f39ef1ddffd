import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/api/http';
import { Autosave, type Doors, type SaveState } from '../../src/pages/reading-room/autosave';
import { type BrowserDraft, BrowserStore } from '../../src/pages/reading-room/browser-store';
import { restore } from '../../src/pages/reading-room/restore';
import type { Assignment } from '../../src/pages/reading-room/types';
import { Labelmap, Stroke } from '../../src/viewer/labelmap';
import { pack } from '../../src/viewer/mask-packing';
import { CaseRecord } from '../../src/viewer/record';
import type { Content } from '../../src/viewer/types';
import { fakeSeries } from '../viewer/fake-series';
import { notes } from './notes';

interface Saved {
  version: number;
  content: Content;
}

let record: CaseRecord;
let store: BrowserStore;
let saved: Saved[];
let masks: { series: number; hash: string; size: number }[];
let fail: (() => ApiError) | null;
let states: string[];
let keptHere: boolean[];
let autosave: Autosave;

async function decompressed(gzip: Uint8Array): Promise<ArrayBuffer> {
  const plain = new Blob([gzip as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(plain).arrayBuffer();
}

const problem = (status: number, code: string, extra = {}) =>
  new ApiError({ status, code, title: code, detail: code, ...extra });

const doors: Doors = {
  async saveDraft(_slot, draft) {
    if (fail) throw fail();
    saved.push({ version: draft.version, content: draft.content });
    return { version: draft.version + 1 };
  },
  async storeMask(_slot, series, { hash, gzip }) {
    masks.push({ series, hash, size: (await decompressed(gzip)).byteLength });
  },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  record = new CaseRecord();
  store = new BrowserStore(new IDBFactory(), notes());
  saved = [];
  masks = [];
  fail = null;
  states = [];
  keptHere = [];
  autosave = new Autosave({
    record,
    store,
    doors,
    pack,
    seconds: () => 12,
    labelmapUid: (series) => `2.25.${series}`,
    onState: (state: SaveState) => states.push(state.kind),
    onKept: (kept) => keptHere.push(kept),
  });
  autosave.begin({ key: 'ada:1', slot: 1, token: 5, caseId: 9, version: 0 });
});

afterEach(() => {
  autosave.close();
  vi.useRealTimers();
});

const answer = (value: string) => record.setAnswer('finding', value, 'answer');
const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((done) => setImmediate(done));
};
const after = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms);
  await turns();
};
/** Hashing a mask takes as long as another thread takes, however many turns that is. */
const hashed = async (ms: number) => {
  await after(ms);
  await autosave['running'];
  await turns();
};

function paint(column: number, value = 1): void {
  const map = record.labelmap(7, 3, 10, 10);
  const stroke = new Stroke(map, { radiusMm: 1, shape: 'disc', value }, { column: 1, row: 1, frame: 1 });
  stroke.moveTo([column, 5, 1]);
  const patch = stroke.finish();
  if (patch) record.painted(7, patch, 'paint');
}

describe('the browser keeps', () => {
  it('each edit at once', async () => {
    answer('yes');
    await turns();
    const draft = await store.load('ada:1');
    expect(draft?.answers).toEqual([{ question: 'finding', target: '', value: 'yes' }]);
    expect(draft?.dirty).toBe(true);
    expect(saved).toEqual([]);
  });

  it('the frames that a stroke touched, and no others', async () => {
    paint(5);
    await turns();
    const frames = await store.frames('ada:1', 7);
    expect(frames.map(({ frame }) => frame)).toEqual([1]);
    expect([...(frames[0]?.bytes ?? [])].filter(Boolean)).toHaveLength(5);
  });

  it('what a reader did in one case apart from others, and nothing once erased', async () => {
    paint(5);
    await turns();
    const draft = (await store.load('ada:1')) as BrowserDraft;
    await store.save({ ...draft, key: 'ada:11' });
    await store.erase('ada:1');
    expect(await store.load('ada:1')).toBeNull();
    expect(await store.frames('ada:1', 7)).toEqual([]);
    expect(await store.load('ada:11')).not.toBeNull();
  });
});

it('the browser keeps voxels that came from the server, along with the first stroke on top of them', async () => {
  const voxels = new Uint8Array(300);
  voxels[5] = 1;
  voxels[205] = 2;
  record.load({ answers: [], marks: [] }, new Map([[7, new Labelmap(3, 10, 10, voxels)]]));
  autosave.begin({ key: 'ada:1', slot: 1, token: 5, caseId: 9, version: 3 }, new Map([[7, 'a'.repeat(64)]]));
  paint(5);
  await turns();
  const series = fakeSeries({ id: 7, frames: 3, rows: 10, columns: 10 });
  const restored = await restore({} as Assignment, [series], store, 'ada:1');
  expect(restored).toMatchObject({ dirty: true, version: 3 });
  expect(restored.labelmaps.get(7)?.bytes).toEqual(record.labelmaps.get(7)?.bytes);
});

it('voxels painted on other images than the series has now are left out, and that is said', async () => {
  paint(5);
  answer('yes');
  await turns();
  const series = fakeSeries({ id: 7, frames: 4, rows: 10, columns: 10 });
  const restored = await restore({} as Assignment, [series], store, 'ada:1');
  expect(restored).toMatchObject({ dirty: true, unfitting: true });
  expect(restored.labelmaps.size).toBe(0);
  expect(restored.content.answers).toHaveLength(1);
});

it('what the browser keeps is dropped once the server has it, not mixed with what came later', async () => {
  paint(5);
  await hashed(2100);
  expect((await store.load('ada:1'))?.dirty).toBe(false);
  const assignment = { draft: null, submitted: null, slot: 1, label_schema: { version: 1, document: {} } };
  const restored = await restore(assignment as unknown as Assignment, [], store, 'ada:1');
  expect(restored.labelmaps.size).toBe(0);
  expect(await store.frames('ada:1', 7)).toEqual([]);
});

describe('the server gets', () => {
  it('a draft two seconds after the last edit', async () => {
    answer('yes');
    await after(1500);
    answer('no');
    await after(1900);
    expect(saved).toEqual([]);
    await after(200);
    expect(saved).toHaveLength(1);
    expect(saved[0]?.content.answers[0]?.value).toBe('no');
    expect(states.at(-1)).toBe('saved');
  });

  it('a draft within ten seconds, however busy the reader is', async () => {
    for (let second = 0; second < 11; second++) {
      answer(String(second));
      await after(1000);
    }
    expect(saved.length).toBeGreaterThanOrEqual(1);
  });

  it('each version on top of the one before', async () => {
    answer('yes');
    await after(2100);
    answer('no');
    await after(2100);
    expect(saved.map(({ version }) => version)).toEqual([0, 1]);
    expect((await store.load('ada:1'))?.version).toBe(2);
    expect((await store.load('ada:1'))?.dirty).toBe(false);
  });

  it('a mask before the draft that names it, and the same mask once', async () => {
    paint(5);
    await hashed(2100);
    answer('yes');
    await after(2100);
    expect(masks).toEqual([{ series: 7, hash: expect.stringMatching(/^[0-9a-f]{64}$/), size: 300 }]);
    expect(saved[1]?.content.marks).toEqual([
      expect.objectContaining({ kind: 'labelmap', series: 7, mask: masks[0]?.hash, tracking_uid: '2.25.7' }),
    ]);
  });

  it('no mark for a labelmap in which nothing is painted any more', async () => {
    paint(5);
    record.undo();
    await after(2100);
    expect(saved[0]?.content.marks).toEqual([]);
  });
});

describe('when saving fails', () => {
  it('without an answer, it is tried again until it succeeds', async () => {
    fail = () => problem(0, 'no_answer');
    answer('yes');
    await after(2100);
    expect(states.at(-1)).toBe('offline');
    await after(2100);
    expect(saved).toEqual([]);
    fail = null;
    await after(16_000);
    expect(saved).toHaveLength(1);
    expect(states.at(-1)).toBe('saved');
  });

  it('because a newer draft exists, nothing is sent until the reader has chosen', async () => {
    fail = () => problem(409, 'stale_draft', { current: { version: 4 } });
    answer('yes');
    await after(2100);
    expect(states.at(-1)).toBe('conflict');
    answer('no');
    await after(20_000);
    expect(saved).toEqual([]);
    fail = null;
    await autosave.keepMine(4);
    expect(saved).toEqual([{ version: 4, content: expect.objectContaining({ marks: [] }) }]);
  });

  it('because the case is submitted after all, what is changed is kept here as a correction', async () => {
    fail = () => problem(409, 'conflict');
    answer('yes');
    await after(2100);
    expect(states.at(-1)).toBe('correction');
    fail = null;
    answer('no');
    await after(20_000);
    expect(saved).toEqual([]);
    expect((await store.load('ada:1'))?.answers[0]?.value).toBe('no');
  });

  it('because the content is refused, the reason is told and later edits are tried', async () => {
    fail = () => problem(422, 'invalid_input');
    answer('yes');
    await after(2100);
    expect(states.at(-1)).toBe('refused');
    fail = null;
    answer('no');
    await after(2100);
    expect(saved).toHaveLength(1);
  });
});

it('an edit made while a save is under way is saved after it', async () => {
  let answerFirst: () => void = () => undefined;
  const slow = vi.spyOn(doors, 'saveDraft').mockImplementationOnce(async (_slot, draft) => {
    await new Promise<void>((done) => {
      answerFirst = done;
    });
    saved.push({ version: draft.version, content: draft.content });
    return { version: 1 };
  });
  answer('yes');
  await after(2100);
  answer('no');
  await after(100);
  answerFirst();
  await after(2500);
  expect(saved.map(({ content }) => content.answers[0]?.value)).toEqual(['yes', 'no']);
  slow.mockRestore();
});

it('a submission that was never answered is remembered with its key', async () => {
  await autosave.rememberPending({ idempotencyKey: 'k', body: '{}' });
  expect((await store.unanswered('ada:')).map(({ pending }) => pending?.idempotencyKey)).toEqual(['k']);
  expect(await store.unanswered('bob:')).toEqual([]);
});

it('a submission that waits comes back with its draft, although the draft itself was saved', async () => {
  answer('yes');
  await after(2100);
  const pending = { idempotencyKey: 'k', body: '{}' };
  await autosave.rememberPending(pending);
  const restored = await restore({} as Assignment, [], store, 'ada:1');
  expect(restored).toMatchObject({ dirty: true, pending });
  autosave.begin({ key: 'ada:1', slot: 1, token: 5, caseId: 9, version: 1 }, new Map(), pending);
  expect(autosave.unanswered).toEqual(pending);
});

describe('a correction', () => {
  it('stays in the browser until it is submitted, however long that takes', async () => {
    autosave.begin({ key: 'ada:1', slot: 1, token: 5, caseId: 9, version: 0, corrects: true });
    answer('no');
    await after(60_000);
    expect(saved).toEqual([]);
    expect(states.at(-1)).toBe('correction');
    expect((await store.load('ada:1'))?.answers).toEqual([{ question: 'finding', target: '', value: 'no' }]);
  });
});

describe('without room in the browser', () => {
  it('the reader is told, and what was not written is written with the next edit', async () => {
    const full = vi
      .spyOn(store, 'save')
      .mockRejectedValueOnce(new DOMException('full', 'QuotaExceededError'));
    paint(5);
    await turns();
    expect(keptHere).toEqual([false]);
    answer('yes');
    await turns();
    expect(keptHere).toEqual([false, true]);
    const [frame] = await store.frames('ada:1', 7);
    expect([...(frame?.bytes ?? [])].filter(Boolean)).toHaveLength(5);
    full.mockRestore();
  });
});

it('a look at the connection does not cost the next attempt', async () => {
  fail = () => problem(503, 'unavailable');
  answer('yes');
  await after(2100);
  fail = null;
  autosave['running'] = null;
  const running = new Promise<void>(() => undefined);
  autosave['running'] = running;
  expect(autosave.flush()).toBe(running);
  autosave['running'] = null;
  await after(2100);
  expect(saved).toHaveLength(1);
});
