/**
 * Carries the record to safety: into the browser's store at once, to the server two seconds after the last
 * edit and at most ten seconds after the first. Knows which state it is in; never decides a conflict itself.
 */

import { ApiError } from '../../api/http';
import type { Labelmap } from '../../viewer/labelmap';
import { looksToStore } from '../../viewer/looks';
import type { Packed } from '../../viewer/mask-packing';
import { labelmapMark } from '../../viewer/masks';
import type { CaseRecord, Change } from '../../viewer/record';
import type { Content, Mark } from '../../viewer/types';
import type { BrowserDraft, BrowserStore, PaintedFrame, Pending } from './browser-store';
import type { StoredDraft } from './types';

const QUIET_MS = 2000;
const AT_MOST_MS = 10_000;
const RETRY_MS = [2000, 4000, 8000, 15_000];

export type SaveState =
  | { kind: 'saved' }
  | { kind: 'unsaved' }
  | { kind: 'saving' }
  /** No answer from the server; the browser holds the work and sends it later. */
  | { kind: 'offline' }
  /** The server has a newer draft, from elsewhere. */
  | { kind: 'conflict'; theirs: StoredDraft }
  | { kind: 'refused'; message: string }
  /** A correction: the server keeps the earlier reading, and the browser this one until it is submitted. */
  | { kind: 'correction' };

export interface Target {
  key: string;
  slot: number;
  token: number;
  caseId: number;
  /** The version of the server's draft that the record holds. */
  version: number;
  /** Submitted already: the server takes no draft of it any more. */
  corrects?: boolean;
}

export interface Doors {
  saveDraft(
    slot: number,
    draft: { token: number; version: number; content: Content; active_seconds: number },
  ): Promise<{ version: number }>;
  storeMask(slot: number, series: number, mask: Packed): Promise<void>;
}

interface Options {
  record: CaseRecord;
  store: BrowserStore;
  doors: Doors;
  /** Hashes and compresses a labelmap as it is at that moment. */
  pack: (bytes: Uint8Array) => Promise<Packed>;
  seconds: () => number;
  /** The tracking UID of the labelmap mark of a series. */
  labelmapUid: (series: number) => string;
  onState: (state: SaveState) => void;
  /** Whether the browser has room for what the reader does. */
  onKept: (kept: boolean) => void;
}

interface StoredMask {
  revision: number;
  hash: string;
}

export class Autosave {
  private target: Target | null = null;
  private state: SaveState = { kind: 'saved' };
  private readonly masks = new Map<number, StoredMask>();
  private readonly touched = new Map<string, PaintedFrame>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private firstEdit = 0;
  private edits = 0;
  private failures = 0;
  private running: Promise<void> | null = null;
  private local: Promise<void> | null = null;
  private pending: Pending | null = null;
  private readonly stop: () => void;

  constructor(private readonly options: Options) {
    this.stop = options.record.onChange((change) => this.changed(change));
  }

  /** Starts saving for a slot whose state the record holds. */
  begin(
    target: Target,
    masks: ReadonlyMap<number, string> = new Map(),
    pending: Pending | null = null,
  ): void {
    this.reset();
    this.target = target;
    this.pending = pending;
    // The browser has none of what the server brought: the next edit writes it all.
    for (const [series, map] of this.options.record.labelmaps) this.touch(series, map.paintedFrames());
    for (const [series, hash] of masks) {
      const map = this.options.record.labelmaps.get(series);
      if (map) this.masks.set(series, { revision: map.revision, hash });
    }
    this.say({ kind: target.corrects ? 'correction' : 'saved' });
  }

  /** The server has a reading of it: from here on the browser alone keeps what changes. */
  correct(): void {
    if (!this.target || this.target.corrects) return;
    clearTimeout(this.timer);
    this.target.corrects = true;
    this.say({ kind: 'correction' });
  }

  /** Stops; what was not sent stays in the browser's store. */
  end(): void {
    this.reset();
    this.target = null;
  }

  close(): void {
    this.end();
    this.stop();
  }

  private reset(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.masks.clear();
    this.touched.clear();
    this.firstEdit = 0;
    this.failures = 0;
    this.edits = 0;
    this.pending = null;
  }

  private say(state: SaveState): void {
    this.state = state;
    this.options.onState(state);
  }

  private changed(change: Change): void {
    if (!this.target || change.kind === 'everything') return;
    if (change.kind === 'voxels') this.touch(change.series, change.frames);
    this.touchAll();
  }

  /** Treats everything in the record as unsaved. */
  touchAll(): void {
    this.edits += 1;
    this.keepInBrowser();
    if (this.target?.corrects || this.state.kind === 'conflict') return;
    if (this.state.kind !== 'saving' && this.state.kind !== 'offline') this.say({ kind: 'unsaved' });
    this.schedule(QUIET_MS);
  }

  private touch(series: number, frames: readonly number[]): void {
    const map = this.options.record.labelmaps.get(series);
    if (!map) return;
    for (const frame of frames)
      this.touched.set(`${series}/${frame}`, { series, frame, bytes: map.frame(frame) });
  }

  private schedule(quiet: number): void {
    if (this.running) return;
    const now = Date.now();
    this.firstEdit ||= now;
    const latest = this.firstEdit + AT_MOST_MS - now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), Math.max(0, Math.min(quiet, latest)));
  }

  // --- the browser's store ---

  // Edits of one moment make one write. The store keeps the order of writes, so none waits for another.
  private keepInBrowser(): Promise<void> {
    this.local ??= Promise.resolve().then(() => {
      this.local = null;
      return this.writeToBrowser();
    });
    return this.local;
  }

  private async writeToBrowser(): Promise<void> {
    const draft = this.browserDraft();
    if (!draft) return;
    const touched = new Map(this.touched);
    const frames = [...touched.values()].map((frame) => ({ ...frame, bytes: frame.bytes.slice() }));
    this.touched.clear();
    try {
      await this.options.store.save(draft, frames);
      this.options.onKept(true);
    } catch {
      // What was not written is still to be written: half a mask in the store would pass for all of it.
      if (draft.key === this.target?.key)
        for (const [name, frame] of touched) if (!this.touched.has(name)) this.touched.set(name, frame);
      this.options.onKept(false);
    }
  }

  private browserDraft(): BrowserDraft | null {
    const { record, seconds } = this.options;
    if (!this.target) return null;
    return {
      key: this.target.key,
      slot: this.target.slot,
      caseId: this.target.caseId,
      answers: record.answers,
      marks: [...record.marks.values()],
      suggestions: record.decisions,
      prompted: [...record.prompted.values()],
      looks: looksToStore(record.looks, record.marks),
      painted: [...record.labelmaps].map(([series, { frames, rows, columns }]) => ({
        series,
        frames,
        rows,
        columns,
      })),
      version: this.target.version,
      activeSeconds: seconds(),
      savedAt: new Date().toISOString(),
      dirty: this.edits > 0 || this.pending !== null,
      pending: this.pending,
    };
  }

  /** The submission that was sent and not answered; null if there is none. */
  get unanswered(): Pending | null {
    return this.pending;
  }

  /** Remembers a submission before it is sent, so that it can be repeated with the same key. */
  async rememberPending(pending: Pending | null): Promise<void> {
    this.pending = pending;
    await this.keepInBrowser();
  }

  // --- the server ---

  /** Sends what is not saved yet; resolves when the server has answered, one way or the other. */
  flush(): Promise<void> {
    if (this.running) return this.running;
    clearTimeout(this.timer);
    this.running = this.send().finally(() => {
      this.running = null;
      if (this.edits > 0 && this.target && this.state.kind === 'unsaved') this.schedule(QUIET_MS);
    });
    return this.running;
  }

  /** Waits for a save that is under way, and starts none. */
  async settle(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
  }

  private async send(): Promise<void> {
    const { target } = this;
    if (!target || target.corrects || this.edits === 0) return;
    const edits = this.edits;
    this.firstEdit = 0;
    this.say({ kind: 'saving' });
    try {
      const content = await this.content(target);
      const draft = {
        token: target.token,
        version: target.version,
        content,
        active_seconds: this.options.seconds(),
      };
      const saved = await this.options.doors.saveDraft(target.slot, draft);
      if (target !== this.target) return;
      target.version = saved.version;
      this.failures = 0;
      this.edits -= edits;
      void this.keepInBrowser();
      this.say(this.edits > 0 ? { kind: 'unsaved' } : { kind: 'saved' });
    } catch (error) {
      if (target === this.target) this.failed(error);
    }
  }

  private failed(error: unknown): void {
    if (!(error instanceof ApiError)) return this.say({ kind: 'refused', message: String(error) });
    if (error.code === 'stale_draft') {
      return this.say({ kind: 'conflict', theirs: error.problem.current as StoredDraft });
    }
    if (error.code === 'conflict') return this.correct();
    const passing = error.offline || error.status >= 500 || error.status === 401 || error.status === 403;
    if (!passing) return this.say({ kind: 'refused', message: error.message });
    this.say({ kind: 'offline' });
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)] as number;
    this.failures += 1;
    this.timer = setTimeout(() => void this.flush(), wait);
  }

  /** What the record says, in the server's words; masks that it names are stored by then. */
  async content(target: Target | null = this.target): Promise<Content> {
    const { record } = this.options;
    const marks: Mark[] = [...record.marks.values()];
    const answers = record.answers;
    for (const [series, map] of record.labelmaps) {
      if (map.values.length === 0) continue;
      const mask = await this.maskHash(series, map, target);
      marks.push(labelmapMark(this.options.labelmapUid(series), series, mask));
    }
    const suggestions = record.decisions;
    const prompted = [...record.prompted.values()];
    const looks = looksToStore(record.looks, record.marks);
    return {
      answers,
      marks,
      ...(suggestions.length > 0 && { suggestions }),
      ...(prompted.length > 0 && { prompted }),
      ...(looks.length > 0 && { looks }),
    };
  }

  private async maskHash(series: number, map: Labelmap, target: Target | null): Promise<string> {
    const known = this.masks.get(series);
    if (known?.revision === map.revision) return known.hash;
    const { revision } = map;
    const packed = await this.options.pack(map.bytes);
    const { hash } = packed;
    if (known?.hash !== hash && target) await this.options.doors.storeMask(target.slot, series, packed);
    if (target === this.target) this.masks.set(series, { revision, hash });
    return hash;
  }

  /** Keeps this reader's version over the newer one on the server. */
  keepMine(theirVersion: number): Promise<void> {
    if (this.target) this.target.version = theirVersion;
    this.say({ kind: 'unsaved' });
    this.edits = Math.max(1, this.edits);
    return this.flush();
  }
}
