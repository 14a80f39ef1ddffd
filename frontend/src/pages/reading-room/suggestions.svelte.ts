/**
 * What the model suggests for the case at hand: fetched when this reader may see it, shown or hidden, and
 * taken over or turned down. Each decision is a step of the record's one history.
 */

import { sentence } from '../../api/http';
import { t } from '../../strings';
import { Labelmap } from '../../viewer/labelmap';
import type { CaseRecord, Part } from '../../viewer/record';
import { MaskBorders } from '../../viewer/suggested';
import type { LabelClass, Mark, SeriesDisplay } from '../../viewer/types';
import { PatchBuilder } from '../../voxels/patch';
import * as server from './server';
import type {
  Assignment,
  Assistance,
  Question,
  SuggestedItem,
  SuggestedMark,
  SuggestedMask,
  Suggestion,
} from './types';

const OPACITY_STEP = 0.2;
const FAINTEST = 0.2;
const OFF: Assistance = { mode: 'off', ready: false, committed_at: null };

export type ItemState = 'waiting' | 'accepted' | 'edited' | 'rejected';

export interface Row {
  item: SuggestedItem;
  state: ItemState;
}

interface Options {
  record: CaseRecord;
  /** Read so that what is derived from the record is derived again. */
  revision: () => number;
  classes: () => readonly LabelClass[];
  questions: () => readonly Question[];
}

/** The mark that the reader has once it is accepted. */
export function markOf(item: SuggestedMark): Mark {
  const { kind, label_class, sop_instance_uid, frame, points_px, text } = item;
  return {
    tracking_uid: item.item,
    kind,
    label_class,
    sop_instance_uid,
    frame,
    points_px,
    mask: null,
    series: null,
    text,
  };
}

const isMark = (item: SuggestedItem): item is SuggestedMark =>
  item.kind !== 'answer' && item.kind !== 'labelmap';

export class Suggestions {
  assistance = $state.raw<Assistance>(OFF);
  shown = $state.raw<Suggestion | null>(null);
  failure = $state('');
  loading = $state(false);
  /** The reader's own choice; it stays from case to case. */
  visible = $state(true);
  opacity = $state(0.8);
  private chosen = $state('');
  private masks = $state.raw(new Map<number, MaskBorders>());
  private series: readonly SeriesDisplay[] = [];
  private slot = 0;
  private generation = 0;

  constructor(private readonly options: Options) {}

  /** The reader's own reading has to come first, and has not yet. */
  readonly wantsFirst: boolean = $derived(
    this.assistance.mode === 'reader_first' && this.assistance.ready && !this.assistance.committed_at,
  );

  readonly rows: Row[] = $derived.by(() => {
    void this.options.revision();
    return (this.shown?.items ?? []).map((item) => ({ item, state: this.stateOf(item) }));
  });

  /** The one that the keys act on: the chosen one, else the first that waits. */
  readonly current: SuggestedItem | null = $derived.by(() => {
    if (!this.visible) return null;
    const waiting = this.rows.filter(({ state }) => state === 'waiting').map(({ item }) => item);
    return waiting.find(({ item }) => item === this.chosen) ?? waiting[0] ?? null;
  });

  /** Of another case: nothing is left of the one before. */
  begin(assignment: Assignment | null, series: readonly SeriesDisplay[]): void {
    this.generation += 1;
    this.shown = null;
    this.masks = new Map();
    this.failure = '';
    this.chosen = '';
    this.loading = false;
    this.series = series;
    this.slot = assignment?.slot ?? 0;
    this.adopt(assignment?.assistance ?? OFF);
  }

  /** What the server says of assistance now; what may be seen is fetched. */
  adopt(assistance: Assistance): void {
    this.assistance = assistance;
    if (assistance.mode !== 'off' && assistance.ready && !this.wantsFirst) void this.load();
  }

  /** The model was still at work when the case was opened. */
  becameReady(assistance: Assistance): void {
    if (assistance.ready && !this.assistance.ready) this.adopt(assistance);
  }

  /** The first reading is kept: from here on the suggestions are shown. */
  committed(at: string): void {
    this.adopt({ ...this.assistance, committed_at: at });
  }

  async load(): Promise<void> {
    const { generation } = this;
    this.loading = true;
    this.failure = '';
    try {
      const suggestion = await server.showSuggestion(this.slot);
      const masks = await this.fetchMasks(suggestion);
      if (generation !== this.generation) return;
      this.masks = masks;
      this.shown = suggestion;
    } catch (error) {
      if (generation === this.generation) this.failure = sentence(error);
    } finally {
      if (generation === this.generation) this.loading = false;
    }
  }

  private async fetchMasks({ items }: Suggestion): Promise<Map<number, MaskBorders>> {
    const found = new Map<number, MaskBorders>();
    for (const item of items) {
      if (item.kind !== 'labelmap' || found.has(item.series)) continue;
      const display = this.series.find(({ id }) => id === item.series);
      if (!display) continue;
      const { frame_count: frames, rows, columns } = display;
      const voxels = await server.fetchMask(this.slot, item.mask, frames * rows * columns);
      found.set(item.series, new MaskBorders(new Labelmap(frames, rows, columns, voxels)));
    }
    return found;
  }

  bordersIn(series: number): MaskBorders | null {
    return this.masks.get(series) ?? null;
  }

  choose(item: string): void {
    this.chosen = item;
  }

  fade(direction: 1 | -1): void {
    const wanted = Math.round((this.opacity + direction * OPACITY_STEP) * 10) / 10;
    this.opacity = Math.min(1, Math.max(FAINTEST, wanted));
  }

  // --- what it is about ---

  classOf(item: SuggestedItem): LabelClass | undefined {
    if (item.kind === 'answer') return undefined;
    return this.options.classes().find(({ code }) => code === item.label_class);
  }

  questionOf(code: string): Question | undefined {
    return this.options.questions().find((question) => question.code === code);
  }

  /** What waits or was decided about a question; null where nothing is suggested. */
  answerTo(question: string): Row | null {
    const of = ({ item }: Row) => item.kind === 'answer' && item.question === question;
    return this.visible ? (this.rows.find(of) ?? null) : null;
  }

  private stateOf(item: SuggestedItem): ItemState {
    const { record } = this.options;
    const decision = record.decision(this.shown?.id ?? 0, item.item);
    if (!decision) return 'waiting';
    if (decision === 'rejected') return 'rejected';
    if (item.kind === 'answer')
      return JSON.stringify(record.answer(item.question)) === JSON.stringify(item.value)
        ? 'accepted'
        : 'edited';
    if (!isMark(item)) return 'accepted';
    const mark = record.marks.get(item.item);
    if (!mark) return 'rejected';
    return JSON.stringify(mark) === JSON.stringify(markOf(item)) ? 'accepted' : 'edited';
  }

  // --- deciding ---

  accept(item: SuggestedItem): void {
    this.options.record.commitAll(t('step.accepted', { what: this.nameOf(item) }), this.takeOver(item));
  }

  acceptAll(): void {
    const waiting = this.rows.filter(({ state }) => state === 'waiting');
    const edits = waiting.flatMap(({ item }) => this.takeOver(item));
    this.options.record.commitAll(t('step.acceptedAll'), edits);
  }

  reject(item: SuggestedItem): void {
    const title = t('step.rejected', { what: this.nameOf(item) });
    this.options.record.commitAll(title, [...this.withdrawn(item), this.decide(item, 'rejected')]);
  }

  nameOf(item: SuggestedItem): string {
    if (item.kind === 'answer') return this.questionOf(item.question)?.text ?? item.question;
    return this.classOf(item)?.name ?? item.label_class;
  }

  private decide(item: SuggestedItem, after: 'accepted' | 'rejected'): Part {
    const suggestion = this.shown?.id ?? 0;
    const before = this.options.record.decision(suggestion, item.item);
    return { kind: 'decision', suggestion, item: item.item, before, after };
  }

  private takeOver(item: SuggestedItem): Part[] {
    return [...this.contentOf(item), this.decide(item, 'accepted')];
  }

  private contentOf(item: SuggestedItem): Part[] {
    const { record } = this.options;
    if (item.kind === 'answer') {
      const before = record.answer(item.question);
      const { question, value: after } = item;
      return [{ kind: 'answer', question, target: '', before, after }];
    }
    if (!isMark(item)) return this.painted(item);
    const before = record.marks.get(item.item) ?? null;
    return [{ kind: 'mark', uid: item.item, before, after: markOf(item) }];
  }

  /** A mark that was accepted before goes away when it is rejected after all; what is painted stays. */
  private withdrawn(item: SuggestedItem): Part[] {
    const before = isMark(item) ? this.options.record.marks.get(item.item) : undefined;
    return before ? [{ kind: 'mark', uid: item.item, before, after: null }] : [];
  }

  /** The class of the mask where the reader has painted nothing: what the reader painted stays. */
  private painted(item: SuggestedMask): Part[] {
    const suggested = this.masks.get(item.series)?.map;
    if (!suggested) return [];
    const { frames, rows, columns, bytes } = suggested;
    const own = this.options.record.labelmap(item.series, frames, rows, columns).bytes;
    const builder = new PatchBuilder();
    bytes.forEach((value, at) => {
      if (value === item.voxel_value && own[at] === 0) builder.set(at, 0, value);
    });
    const patch = builder.build();
    return patch ? [{ kind: 'voxels', series: item.series, patch }] : [];
  }
}
