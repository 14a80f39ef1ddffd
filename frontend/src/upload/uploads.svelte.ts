/** Uploads that go on while one looks at other pages: one per project, three files at a time. */
import { beginImport, cancelImport, completeImport } from '../api/actions';
import { cursorOf } from '../api/client';
import { ApiError, sentence } from '../api/http';
import { importItems, imports, key, me, queryClient } from '../api/queries';
import type { ImportItem } from '../api/types';
import { toasts } from '../state/toasts.svelte';
import { t } from '../strings';
import { type NamedFile, type Pair, pair, secondsLeft } from './plan';
import { send } from './send';

const AT_A_TIME = 3;
const FILES_PER_IMPORT = 5000;

export interface Sent {
  id: number;
  name: string;
  size: number;
  received: number;
}

/** The uploads that run now, of all projects. While there is one, the window asks before it closes. */
export const underway = $state<Upload[]>([]);

export class Upload {
  readonly slug: string;
  /** Files being sent right now. */
  active = $state<Sent[]>([]);
  failed = $state<{ id: number; name: string; error: string }[]>([]);
  files = $state(0);
  done = $state(0);
  total = $state(0);
  received = $state(0);
  paused = $state(false);
  running = $state(false);
  readonly share = $derived(this.total ? this.received / this.total : 0);
  error = $state('');
  remaining = $state<number | null>(null);
  #queue: Pair[] = [];
  #imports = new Set<number>();
  /** The import that each file belongs to. */
  #importOf = new Map<number, number>();
  #abort = new AbortController();
  #startedAt = 0;
  #receivedBefore = 0;

  constructor(slug: string) {
    this.slug = slug;
  }

  owns(id: number): boolean {
    return this.running && this.#imports.has(id);
  }

  /** Sends the files, images or the marks of a source; what an interrupted import still misses is sent there. Resolves with the number resumed. */
  async add(files: readonly NamedFile[], source?: number): Promise<number> {
    this.error = '';
    let continued = 0;
    try {
      const { resumed, fresh } = pair(await this.#missing(), files);
      for (const { item } of resumed) this.#imports.add(this.#importOf.get(item.id) as number);
      this.#enqueue(resumed);
      continued = resumed.length;
      for (let at = 0; at < fresh.length; at += FILES_PER_IMPORT) {
        await this.#begin(fresh.slice(at, at + FILES_PER_IMPORT), source);
      }
    } catch (error) {
      this.error = sentence(error);
    }
    // What was begun before something failed is sent all the same.
    if (this.#imports.size > 0) void this.#run();
    return continued;
  }

  async cancel(): Promise<void> {
    if (!this.running) return;
    this.#abort.abort();
    this.#queue = [];
    const stopped = [...this.#imports];
    this.#finish();
    await Promise.allSettled(stopped.map((id) => cancelImport(id)));
    this.#refresh();
  }

  /** Items that the server still waits for, of this person's imports that were interrupted. */
  async #missing(): Promise<ImportItem[]> {
    const { username } = await queryClient.fetchQuery(me());
    const { pages } = await queryClient.fetchInfiniteQuery({ ...imports(this.slug), staleTime: 0 });
    const batches = pages.flatMap(({ results }) => results);
    const open = batches.filter(
      ({ id, state, created_by: by }) => state === 'receiving' && by === username && !this.owns(id),
    );
    const found: ImportItem[] = [];
    for (const { id } of open) {
      const items = await everyItem(id);
      for (const item of items) this.#importOf.set(item.id, id);
      found.push(...items);
    }
    return found;
  }

  async #begin(files: readonly NamedFile[], source?: number): Promise<void> {
    const wanted = files.map(({ name, file }) => ({ name, size: file.size }));
    const begun = await beginImport(this.slug, wanted, source);
    this.#imports.add(begun.id);
    for (const item of begun.items) this.#importOf.set(item.id, begun.id);
    this.#enqueue(pair(begun.items, files).resumed);
  }

  #enqueue(pairs: readonly Pair[]): void {
    this.#queue.push(...pairs);
    this.files += pairs.length;
    for (const { item } of pairs) {
      this.total += item.size;
      this.received += item.received;
    }
  }

  async #run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    underway.push(this);
    this.failed = [];
    const { signal } = (this.#abort = new AbortController());
    this.#startedAt = Date.now();
    this.#receivedBefore = this.received;
    // Files may be added until the last import is complete.
    while (this.#queue.length > 0 || this.#imports.size > 0) {
      await Promise.all(Array.from({ length: AT_A_TIME }, () => this.#work()));
      if (signal.aborted) return;
      await this.#complete();
    }
    if (signal.aborted) return;
    this.#finish();
    this.#refresh();
  }

  async #work(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) await this.#sendOne(next);
  }

  async #sendOne({ item, file }: Pair): Promise<void> {
    const { signal } = this.#abort;
    this.active.push({ id: item.id, name: item.name, size: item.size, received: item.received });
    const shown = this.active.at(-1) as Sent;
    try {
      await send({
        item,
        file,
        signal,
        onReceived: (bytes) => this.#advance(shown, bytes),
        onPaused: (paused) => {
          this.paused = paused;
        },
      });
      this.done += 1;
    } catch (error) {
      if (!signal.aborted) {
        this.failed.push({ id: item.id, name: item.name, error: sentence(error) });
      }
    } finally {
      this.active.splice(this.active.indexOf(shown), 1);
    }
  }

  #advance(shown: Sent, bytes: number): void {
    this.received += bytes - shown.received;
    shown.received = bytes;
    const sent = this.received - this.#receivedBefore;
    this.remaining = secondsLeft(sent, this.total - this.received, Date.now() - this.#startedAt);
  }

  /** Each import by itself: one that still misses files must not hold up the others. */
  async #complete(): Promise<void> {
    const unsent = new Set(this.failed.map(({ id }) => this.#importOf.get(id)));
    const waiting = new Set(this.#queue.map(({ item }) => this.#importOf.get(item.id)));
    let complete = 0;
    for (const id of [...this.#imports].filter((one) => !waiting.has(one))) {
      this.#imports.delete(id);
      if (unsent.has(id)) continue;
      try {
        await completeImport(id);
        complete += 1;
      } catch (error) {
        // Files that were not dropped again are missing still; the list of imports says so.
        if (!(error instanceof ApiError && error.status === 409)) this.error = sentence(error);
      }
    }
    if (complete > 0) toasts.say(t('imports.sent'));
  }

  #finish(): void {
    underway.splice(underway.indexOf(this), 1);
    this.running = false;
    this.paused = false;
    this.remaining = null;
    this.files = 0;
    this.done = 0;
    this.total = 0;
    this.received = 0;
    this.#imports.clear();
    this.#importOf.clear();
  }

  #refresh(): void {
    void queryClient.invalidateQueries({ queryKey: key.project(this.slug) });
  }
}

async function everyItem(id: number): Promise<ImportItem[]> {
  const items: ImportItem[] = [];
  let cursor: string | undefined;
  do {
    const page = await importItems(id, cursor);
    items.push(...page.results);
    cursor = cursorOf(page);
  } while (cursor);
  return items;
}

const uploads = new Map<string, Upload>();

export function uploadOf(slug: string): Upload {
  const known = uploads.get(slug) ?? new Upload(slug);
  uploads.set(slug, known);
  return known;
}
