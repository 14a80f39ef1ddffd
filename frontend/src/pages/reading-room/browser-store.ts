/**
 * Drafts in the browser's own database: written with each edit, so that a crash, a reload or a dead network
 * costs nothing. Painted voxels are kept frame by frame, so that a stroke writes only the frames it touched.
 */

import type { StoredLook } from '../../viewer/looks';
import type { Answer, Decision, Mark, PromptUse } from '../../viewer/types';

const NAME = 'consilium-drafts';
const DRAFTS = 'drafts';
const FRAMES = 'frames';

export interface PaintedSeries {
  series: number;
  frames: number;
  rows: number;
  columns: number;
}

/** A submission that was sent, but not yet answered. */
export interface Pending {
  idempotencyKey: string;
  body: string;
}

export interface BrowserDraft {
  key: string;
  slot: number;
  caseId: number;
  answers: Answer[];
  marks: Mark[];
  /** Absent in drafts from before there were suggestions. */
  suggestions?: Decision[];
  prompted?: PromptUse[];
  looks?: StoredLook[];
  painted: PaintedSeries[];
  /** The server's version that this draft started from. */
  version: number;
  activeSeconds: number;
  savedAt: string;
  /** False once the server has all of it, and its answer. */
  dirty: boolean;
  pending: Pending | null;
}

export interface PaintedFrame {
  series: number;
  frame: number;
  bytes: Uint8Array;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((done, fail) => {
    transaction.oncomplete = () => done();
    transaction.onerror = () => fail(transaction.error);
    transaction.onabort = () => fail(transaction.error);
  });
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(DRAFTS, { keyPath: 'key' });
    request.result.createObjectStore(FRAMES);
  };
  return settled(request);
}

/** Stands in the browser's notes, which are read at once, while a submission may wait in the database. */
const WAITING = 'consilium-submission-waits';

const framesOf = (key: string): IDBKeyRange => IDBKeyRange.bound([key], [key, []]);

export class BrowserStore {
  private readonly database: Promise<IDBDatabase>;

  constructor(
    factory: IDBFactory = indexedDB,
    private readonly notes: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> = localStorage,
  ) {
    this.database = open(factory);
  }

  /** False where no submission waits. Known without the database, which takes long to open. */
  get mayWait(): boolean {
    return this.notes.getItem(WAITING) !== null;
  }

  async save(draft: BrowserDraft, frames: readonly PaintedFrame[] = []): Promise<void> {
    if (draft.pending) this.notes.setItem(WAITING, draft.key);
    const transaction = (await this.database).transaction([DRAFTS, FRAMES], 'readwrite');
    transaction.objectStore(DRAFTS).put(draft);
    const store = transaction.objectStore(FRAMES);
    for (const { series, frame, bytes } of frames) store.put(bytes, [draft.key, series, frame]);
    // Committed now, not when this page gets round to it: it may be gone by then.
    transaction.commit();
    await finished(transaction);
  }

  async load(key: string): Promise<BrowserDraft | null> {
    const transaction = (await this.database).transaction(DRAFTS);
    return (await settled(transaction.objectStore(DRAFTS).get(key))) ?? null;
  }

  /** Drafts of this reader whose submission was never answered. */
  async unanswered(prefix: string): Promise<BrowserDraft[]> {
    const store = (await this.database).transaction(DRAFTS).objectStore(DRAFTS);
    const drafts: BrowserDraft[] = await settled(store.getAll());
    const waiting = drafts.filter(({ pending }) => pending !== null);
    if (waiting.length === 0) this.notes.removeItem(WAITING);
    return waiting.filter(({ key }) => key.startsWith(prefix));
  }

  /** The painted frames of one series of a draft. */
  async frames(key: string, series: number): Promise<PaintedFrame[]> {
    const store = (await this.database).transaction(FRAMES).objectStore(FRAMES);
    const range = IDBKeyRange.bound([key, series], [key, series, []]);
    const [keys, values] = await Promise.all([
      settled(store.getAllKeys(range)),
      settled(store.getAll(range)),
    ]);
    return values.map((bytes, i) => ({ series, frame: (keys[i] as [string, number, number])[2], bytes }));
  }

  async erase(key: string): Promise<void> {
    const transaction = (await this.database).transaction([DRAFTS, FRAMES], 'readwrite');
    transaction.objectStore(DRAFTS).delete(key);
    transaction.objectStore(FRAMES).delete(framesOf(key));
    await finished(transaction);
  }
}
