/**
 * What lies before the reader: the panes with the images, what the hands hold, the question in turn and
 * the dialog that is open; and the ways from one of them to another.
 */

import type { Edit, Part } from '../../viewer/record';
import { frameIndexOf } from '../../viewer/measure';
import { EMPTY, type ViewerState } from '../../viewer/state';
import type { Stage } from '../../viewer/stage';
import type { Mark, MarkKind } from '../../viewer/types';
import type { Viewer } from '../../viewer/viewer';
import { type Preset, presetsFor } from '../../viewer/windows';
import { Arrangement } from './arrangement.svelte';
import type { Asked } from './CaseDialogs.svelte';
import { choicesOf, keyOfChoice } from './form';
import { Hands } from './hands.svelte';
import type { Room } from './room.svelte';
import { placeOf } from './suggestion-actions';
import type { Question, SuggestedItem } from './types';

const hasChoices = (question: Question): boolean => choicesOf(question).length > 0;

export class Desk {
  readonly arrangement = new Arrangement();
  stage = $state.raw<Stage | null>(null);
  viewers = $state.raw<Readonly<Record<number, Viewer | null>>>({});
  /** What the active pane shows. */
  view = $state.raw<ViewerState>(EMPTY);
  activeQuestion = $state('');
  asked = $state<Asked>(null);
  enteringWindow = $state(false);
  historyOpen = $state(false);
  menuOpen = $state(false);
  /** They work in the active pane. */
  readonly hands: Hands;

  constructor(readonly room: Room) {
    this.hands = new Hands(room, () => this.viewer);
  }

  /** The keys and the tools act on the active pane. */
  readonly viewer: Viewer | null = $derived.by(() => this.viewers[this.arrangement.active] ?? null);
  readonly presets: Preset[] = $derived(this.view.series ? presetsFor(this.view.series) : []);
  readonly active: Question | null = $derived.by(() => {
    const { questions } = this.room;
    return questions.find(({ code }) => code === this.activeQuestion) ?? questions[0] ?? null;
  });
  /** Digits answer the question the reader is at, or else the first that has options. */
  readonly keyed: Question | null = $derived.by(() => {
    if (this.active && hasChoices(this.active)) return this.active;
    return this.room.questions.find(hasChoices) ?? null;
  });
  readonly options: { key: string; label: string }[] = $derived.by(() => {
    const { keyed } = this;
    if (!keyed) return [];
    return choicesOf(keyed).map((choice) => ({ key: keyOfChoice(keyed, choice), label: choice.label }));
  });
  /** What this browser cannot draw is not offered. */
  readonly kinds: MarkKind[] = $derived.by(() => {
    const paints = this.stage?.boot.renderer !== 'cpu';
    return (this.room.schema.marks ?? []).filter((kind) => kind !== 'labelmap' || paints);
  });

  /** A new case: as it is to be hung, its first class, its first question. */
  begin(): void {
    const { room } = this;
    this.stage?.forgetViews();
    this.arrangement.open(
      room.series.map(({ id }) => id),
      room.hanging,
    );
    this.activeQuestion = '';
    this.hands.hold(room.classes[0]?.code ?? '');
  }

  setViewer(pane: number, viewer: Viewer | null): void {
    this.viewers = { ...this.viewers, [pane]: viewer };
  }

  focusQuestion(code: string): void {
    this.activeQuestion = code;
    document.getElementById(`question-${code}`)?.scrollIntoView({ block: 'nearest' });
  }

  /** The question after this one that has options and no answer yet. */
  following(question: Question): Question | undefined {
    const { questions } = this.room;
    return questions
      .slice(questions.indexOf(question) + 1)
      .find((one) => hasChoices(one) && this.room.answer(one.code) === null);
  }

  /** Shows what an undone or redone step was about. */
  reveal(edit: Edit | Part | null): void {
    if (!edit) return;
    if (edit.kind === 'group') return this.reveal(edit.edits[0] ?? null);
    if (edit.kind === 'answer') this.activeQuestion = edit.question;
    if (edit.kind === 'mark') this.showMark(edit.after ?? edit.before);
    if (edit.kind === 'voxels') {
      const { series, index } = this.view;
      const frames = this.room.record.labelmaps.get(edit.series)?.framesOf(edit.patch) ?? [];
      const seen = series?.id === edit.series && frames.includes(index);
      if (!seen) this.showFrame(edit.series, frames[0] ?? 0);
    }
  }

  jumpTo(uid: string): void {
    this.showMark(this.room.record.marks.get(uid) ?? null);
    this.viewer?.select(uid);
  }

  jumpToClass(series: number, value: number): void {
    const frame = this.room.record.labelmaps.get(series)?.richestFrame(value) ?? 0;
    this.showFrame(series, Math.max(0, frame));
  }

  goTo(item: SuggestedItem): void {
    const place = placeOf(this.room, item);
    if (item.kind === 'answer') this.focusQuestion(item.question);
    if (place) this.showFrame(place.series, place.frame);
  }

  private showMark(mark: Mark | null): void {
    for (const series of mark ? this.room.series : []) {
      const frame = frameIndexOf(series, mark as Mark);
      if (frame >= 0) return this.showFrame(series.id, frame);
    }
  }

  // In a pane that shows the series, or else in the active one.
  private showFrame(series: number, frame: number): void {
    const { stage, viewer, arrangement } = this;
    if (stage && viewer && this.view.series?.section?.source.id === series) return stage.goTo(viewer, frame);
    const pane = arrangement.paneOf(series);
    if (pane < 0) return arrangement.place(series, { frame });
    arrangement.active = pane;
    void this.viewers[pane]?.goTo(frame);
  }
}
