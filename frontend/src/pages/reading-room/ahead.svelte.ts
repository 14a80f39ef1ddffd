/**
 * The case after this one: kept for the reader on the server, and loaded into this browser while the present
 * one is read. It is no claim: the server gives it when the reader goes on, or another one instead.
 */

import type { Prefetch } from '../../viewer/prefetch';
import { know, type KnownCase } from './opening';
import * as server from './server';
import type { Assignment, Within } from './types';

export type AheadPhase = 'none' | 'loading' | 'ready';

export type LoadFrames = (
  next: KnownCase,
  onLoaded: (loaded: number, all: number) => void,
) => Pick<Prefetch, 'stop'>;

/** What else a case needs to be read at once. What fails here is loaded when the case is opened. */
type Loader = (next: KnownCase) => Promise<unknown>;
const LOADERS: readonly Loader[] = [server.loadMasks];

const LOOK_MS = 120_000;

export class Ahead {
  phase = $state<AheadPhase>('none');
  next = $state.raw<KnownCase | null>(null);
  private frames: Pick<Prefetch, 'stop'> | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private generation = 0;

  constructor(
    private readonly slug: string,
    private readonly within: () => Within,
    private readonly isIdle: () => boolean,
  ) {}

  /** From now on there is a next case, whenever there is one to have. */
  begin(): void {
    this.rest();
    void this.look();
    // What waited may have run out or gone to another; something may be free by now.
    this.timer = setInterval(() => {
      if (!this.isIdle()) void this.look();
    }, LOOK_MS);
  }

  /** The reader keeps to other kinds of case: what waits may not be one of them. */
  narrowed(): void {
    if (this.timer !== undefined) void this.look();
  }

  private async look(): Promise<void> {
    const generation = ++this.generation;
    try {
      const found = await server.reserve(this.slug, this.within());
      if (generation !== this.generation) return;
      if (found?.assignment.slot === this.next?.assignment.slot) return;
      this.drop();
      if (found) await this.prepare(found.assignment, generation);
    } catch {
      // What could not be loaded ahead is loaded when the reader gets there, who is then told what failed.
      if (generation === this.generation) this.drop();
    }
  }

  private async prepare(assignment: Assignment, generation: number): Promise<void> {
    this.phase = 'loading';
    const next = await know(assignment);
    if (generation !== this.generation) return;
    this.next = next;
    await Promise.allSettled(LOADERS.map((load) => load(next)));
  }

  /** Its frames, too: once the first image of the present case is up. */
  loadFrames(load: LoadFrames): void {
    const { next } = this;
    if (!next || this.frames) return;
    this.frames = load(next, (loaded, all) => {
      if (loaded === all && this.next === next) this.phase = 'ready';
    });
  }

  /** What is known of the case that the reader got, if it is the one that waited, as it is now. */
  take(assignment: Assignment): KnownCase | null {
    const { next } = this;
    this.rest();
    this.drop();
    if (next?.assignment.slot !== assignment.slot) return null;
    const versions = new Map(assignment.case.series.map(({ id, version }) => [id, version]));
    const same = next.series.every(({ id, version }) => versions.get(id) === version);
    return same && versions.size === next.series.length ? { ...next, assignment } : null;
  }

  /** The reader goes: nothing is kept any more. */
  leave({ keepalive = false } = {}): void {
    const kept = this.timer !== undefined;
    this.rest();
    this.drop();
    if (kept) void server.letGo(this.slug, keepalive).catch(() => undefined);
  }

  private rest(): void {
    this.generation += 1;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private drop(): void {
    this.frames?.stop();
    this.frames = null;
    this.next = null;
    this.phase = 'none';
  }
}
