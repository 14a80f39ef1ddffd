/**
 * One reader's session in the reading room: claims or opens a slot, restores the draft, keeps the lease and
 * the work safe, submits, and goes on to the next case. Components show it; the record and the viewer do the work.
 */

import { ApiError, sentence } from '../../api/http';
import { toasts } from '../../state/toasts.svelte';
import { t } from '../../strings';
import { Packer } from '../../viewer/mask-packing';
import { Activity } from './activity';
import { Ahead } from './ahead.svelte';
import { Autosave } from './autosave';
import { BrowserStore, type Pending } from './browser-store';
import { CaseAtHand } from './case-at-hand.svelte';
import { countingAnswers } from './form';
import { FormMove } from './form-move.svelte';
import { Lease } from './lease.svelte';
import { ask, know, type KnownCase, takeEarly } from './opening';
import { maskWorker } from './mask-worker';
import { restore } from './restore';
import * as server from './server';
import type { Assignment, Held, SubmittedRead, Within } from './types';
import { isRefusal, pendingOf, refusals, sendUnanswered, type Submission } from './unanswered';

export type Phase = 'opening' | 'reading' | 'submitting' | 'nothing' | 'failed';

const IDLE_SECONDS = 120;

export class Room extends CaseAtHand {
  phase = $state<Phase>('opening');
  failure = $state('');
  /** Problems that the server named when it refused a submission. */
  refused = $state.raw<string[]>([]);
  readToday = $state(0);
  /** False while the browser has no room for what the reader does. */
  keptHere = $state(true);

  readonly activity = new Activity(0);
  readonly lease = new Lease({
    activity: this.activity,
    renew: (slot, token) => this.renew(slot, token),
    onLost: () => void this.lookForSubmission(),
  });
  readonly ahead: Ahead;
  readonly formMove = new FormMove({
    assignment: () => this.assignment,
    saved: async () => {
      await this.autosave.flush();
      return this.save.kind === 'saved';
    },
    reopen: () => this.takeTheirs(),
  });
  private readonly store = new BrowserStore();
  private readonly packer = new Packer(maskWorker);
  private readonly autosave: Autosave;
  private generation = 0;
  /** The slot that was asked for last; null: whatever was next. */
  private wanted: number | null = null;
  /** A submission waits for the server; an edit withdraws it. */
  private submitAgain = false;

  constructor(
    readonly slug: string,
    private readonly username: () => Promise<string>,
    /** Puts the slot that is read into the address. */
    private readonly showAddress: (slot: number | null) => void,
    /** The kinds of case that the reader keeps to. */
    readonly within: () => Within,
  ) {
    super();
    const isIdle = () => this.activity.idleSeconds > IDLE_SECONDS;
    this.ahead = new Ahead(slug, within, isIdle);
    this.autosave = new Autosave({
      record: this.record,
      store: this.store,
      doors: server,
      pack: this.packer.pack,
      seconds: () => this.activity.seconds,
      labelmapUid: (series) => this.labelmaps.of(series),
      onState: (state) => {
        this.save = state;
        if (state.kind === 'correction') void this.lookForSubmission();
      },
      onKept: (kept) => {
        this.keptHere = kept;
      },
    });
    this.stops.push(
      this.record.onChange(() => {
        this.refused = [];
        this.withdraw();
      }),
    );
  }

  close(): void {
    this.generation += 1;
    this.lease.end();
    this.ahead.leave();
    void this.autosave.flush().finally(() => this.letGo());
    for (const stop of this.stops) stop();
  }

  private letGo(): void {
    this.autosave.close();
    this.packer.close();
  }

  // --- opening ---

  /** Claims what the queue has next for this reader. */
  async next(): Promise<void> {
    await this.start(null);
  }

  async open(slot: number): Promise<void> {
    if (this.assignment?.slot === slot && this.phase !== 'failed') return;
    await this.start(slot);
  }

  /** Tries again what failed to open. */
  async again(): Promise<void> {
    await this.start(this.wanted);
  }

  private async start(wanted: number | null): Promise<void> {
    const generation = ++this.generation;
    this.wanted = wanted;
    this.phase = 'opening';
    this.refused = [];
    this.lease.end();
    this.autosave.end();
    let found: Assignment | null = null;
    try {
      const early = await takeEarly(this.slug, wanted);
      if (!early) await sendUnanswered(this.store, await this.username());
      const assignment = (found = early?.assignment ?? (await ask(this.slug, wanted, this.within())));
      if (generation !== this.generation) return;
      const known = this.ahead.take(assignment) ?? early ?? (await know(assignment));
      if (generation === this.generation) await this.enter(known, generation);
    } catch (error) {
      if (generation === this.generation) this.couldNotOpen(error, found);
    }
  }

  // A case that was claimed and cannot be shown must not trap its reader: the ways out stay open.
  private couldNotOpen(error: unknown, found: Assignment | null): void {
    this.assignment = found;
    this.hanging = null;
    this.series = [];
    this.suggestions.begin(null, []);
    this.record.load({ answers: [], marks: [] });
    if (error instanceof ApiError && error.code === 'nothing_to_read') {
      this.phase = 'nothing';
      this.showAddress(null);
      return;
    }
    this.failure = sentence(error);
    this.phase = 'failed';
  }

  private async enter({ assignment, series, hanging }: KnownCase, generation: number): Promise<void> {
    const key = await this.keyOf(assignment.slot);
    const restored = await restore(assignment, series, this.store, key);
    if (generation !== this.generation) return;
    this.assignment = assignment;
    this.formMove.to = assignment.newer_schema;
    if (restored.unfitting) toasts.fail(t('room.unfitting'));
    this.labelmaps.adopt(assignment);
    const { submitted } = assignment;
    this.record.load(restored.content, restored.labelmaps);
    this.displays.open(assignment.slot, series);
    this.hanging = hanging;
    this.series = [...series];
    this.activity.restart(restored.seconds);
    const { slot, token } = assignment;
    const { version, masks, pending } = restored;
    const target = { key, slot, token, caseId: assignment.case.id, version, corrects: !!submitted };
    this.autosave.begin(target, masks, pending);
    if (restored.dirty) this.autosave.touchAll();
    this.phase = 'reading';
    this.showAddress(slot);
    this.suggestions.begin(assignment, series);
    if (submitted) return;
    this.lease.begin(assignment);
    this.ahead.begin();
  }

  private async keyOf(slot: number): Promise<string> {
    return `${await this.username()}:${slot}`;
  }

  // A submission whose answer was lost, and which an edit withdrew, may have arrived all the same: what is
  // changed from here on corrects it.
  private async lookForSubmission(): Promise<void> {
    const { assignment, generation } = this;
    if (!assignment || assignment.submitted) return;
    const fresh = await server.openSlot(assignment.slot).catch(() => null);
    if (!fresh?.submitted || generation !== this.generation) return;
    this.assignment = { ...assignment, submitted: fresh.submitted };
    this.lease.end();
    this.autosave.correct();
    toasts.say(t('room.arrivedAfterAll', { id: assignment.case.id }));
  }

  // --- conflicts ---

  keepMine(): Promise<void> {
    return this.save.kind === 'conflict'
      ? this.autosave.keepMine(this.save.theirs.version)
      : Promise.resolve();
  }

  async takeTheirs(): Promise<void> {
    const { assignment } = this;
    if (!assignment) return;
    await this.store.erase(await this.keyOf(assignment.slot));
    this.assignment = null;
    await this.open(assignment.slot);
  }

  // --- leaving ---

  /** Submits, and goes on to the next case; false if something still blocks it, or the first of two readings
   * was committed. */
  async submit(): Promise<boolean> {
    const { assignment } = this;
    if (!assignment || this.phase !== 'reading' || this.blocks.length > 0) return false;
    this.phase = 'submitting';
    if (this.suggestions.wantsFirst) return this.commitFirst(assignment);
    try {
      await this.autosave.settle();
      const pending = await this.submission(assignment);
      await this.autosave.rememberPending(pending);
      const read = await server.submitRead(assignment.slot, pending.idempotencyKey, JSON.parse(pending.body));
      await this.submitted(assignment, read);
      return true;
    } catch (error) {
      await this.notSubmitted(assignment, error);
      return false;
    }
  }

  // The reader's own reading, before the model's is shown. Whatever becomes of it, the case can be read on.
  private async commitFirst({ slot, token }: Assignment): Promise<false> {
    try {
      await this.autosave.settle();
      const { committed_at: at } = await server.commitFirst(slot, await this.said(token));
      this.suggestions.committed(at);
      this.phase = 'reading';
    } catch (error) {
      if (error instanceof ApiError && error.code === 'images_changed') return this.lookAgain(slot);
      this.phase = 'reading';
      if (error instanceof ApiError && error.offline) toasts.fail(t('suggestions.commitUnanswered'));
      else this.refused = refusals(error);
      const fresh = await server.openSlot(slot).catch(() => null);
      if (fresh && slot === this.assignment?.slot) this.suggestions.adopt(fresh.assistance);
    }
    return false;
  }

  /** What is sent for good, and of which images. */
  private async said(token: number): Promise<Submission> {
    const stored = await this.autosave.content();
    const content = { ...stored, answers: countingAnswers(this.form.form, stored.answers) };
    const images = Object.fromEntries(this.series.map(({ id, version }) => [id, version]));
    return { token, content, images, active_seconds: this.activity.seconds };
  }

  private async submission({ token }: Assignment): Promise<Pending> {
    return pendingOf(await this.said(token), this.autosave.unanswered);
  }

  private async submitted(assignment: Assignment, read: SubmittedRead): Promise<void> {
    this.lease.end();
    this.autosave.end();
    this.readToday += 1;
    toasts.say(read.late ? t('room.submittedLate') : t('room.submitted', { id: assignment.case.id }));
    const key = await this.keyOf(assignment.slot);
    await Promise.all([this.store.erase(key), this.next()]);
  }

  private async notSubmitted({ slot }: Assignment, error: unknown): Promise<void> {
    if (error instanceof ApiError && error.code === 'images_changed')
      return void (await this.lookAgain(slot));
    this.phase = 'reading';
    if (error instanceof ApiError && error.offline) {
      this.submitAgain = true;
      toasts.fail(t('room.submitUnanswered'));
      return;
    }
    if (isRefusal(error)) await this.autosave.rememberPending(null);
    this.refused = refusals(error);
    // The save that was under way gave way to the submission.
    this.autosave.touchAll();
  }

  // What was drawn on the images that were here before goes onto those that are here now.
  private async lookAgain(slot: number): Promise<false> {
    await this.autosave.rememberPending(null);
    this.autosave.touchAll();
    await this.autosave.flush();
    await this.start(slot);
    this.refused = [t('room.imagesChanged')];
    return false;
  }

  // What was sent and not answered is not what the reader means any more.
  private withdraw(): void {
    this.submitAgain = false;
    if (this.phase === 'reading' && this.autosave.unanswered) void this.autosave.rememberPending(null);
  }

  /** Declines the case, with a reason; the next one follows. */
  async skip(reason: string): Promise<void> {
    await this.leaveBy((slot, token) => server.skip(slot, token, reason));
    toasts.say(t('room.skipped'));
    await this.next();
  }

  /** Takes the case off the list until somebody has answered; the next one follows. */
  async raiseIssue(issue: string, text: string): Promise<void> {
    await this.leaveBy((slot, token) => server.raiseIssue(slot, token, issue, text));
    toasts.say(t('room.issueRaised'));
    await this.next();
  }

  /** Gives the case back to the queue. */
  async release(): Promise<void> {
    await this.autosave.flush();
    this.ahead.leave();
    await this.leaveBy(server.release);
    toasts.say(t('room.released'));
  }

  private async renew(slot: number, token: number): Promise<Held> {
    const held = await server.heartbeat(slot, token);
    if (slot !== this.assignment?.slot) return held;
    this.suggestions.becameReady(held.assistance);
    this.formMove.to = held.newer_schema;
    return held;
  }

  private async leaveBy(door: (slot: number, token: number) => Promise<unknown>): Promise<void> {
    const { assignment } = this;
    if (!assignment) return;
    await door(assignment.slot, assignment.token);
    this.lease.end();
    this.autosave.end();
    await this.store.erase(await this.keyOf(assignment.slot));
  }

  /** The link is back: what waited is sent. */
  reconnected(): void {
    if (this.save.kind === 'offline') void this.autosave.flush();
    // What does not get through stays in the browser, and waits for the next time.
    void this.sendOthers().catch(() => undefined);
    if (!this.submitAgain) return;
    this.submitAgain = false;
    void this.submit();
  }

  private async sendOthers(): Promise<void> {
    const username = await this.username().catch(() => null);
    if (username) await sendUnanswered(this.store, username, this.assignment?.slot);
  }
}
