/**
 * What lies before the reader: the panes with the images, what the hands hold, the question in turn and
 * the dialog that is open; and the ways from one of them to another.
 */

import type { Edit, Part } from '../../viewer/record';
import { sourceOf } from '../../viewer/links';
import { frameIndexOf } from '../../viewer/measure';
import { EMPTY, type ViewerState } from '../../viewer/state';
import { middleOf } from '../../viewer/outlines';
import { planeWith } from '../../viewer/section-patch';
import type { Stage } from '../../viewer/stage';
import type { Mark, MarkKind, Point, SeriesDisplay } from '../../viewer/types';
import type { Viewer } from '../../viewer/viewer';
import { type Preset, presetsFor } from '../../viewer/windows';
import type { VoxelPatch } from '../../voxels/patch';
import { Arrangement } from './arrangement.svelte';
import type { Asked } from './CaseDialogs.svelte';
import { type Block, choicesOf, keyOfChoice } from './form';
import type { Asked as Answerable } from './form-state.svelte';
import { fieldOf, Going } from './going.svelte';
import { Hands } from './hands.svelte';
import { Prompting } from './prompting.svelte';
import type { Room } from './room.svelte';
import { placeOf } from './suggestion-actions';
import { SecondWindow } from './second-window.svelte';
import type { SuggestedItem } from './types';

const hasChoices = ({ question }: Answerable): boolean => choicesOf(question).length > 0;

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
  readonly going: Going;
  /** For the panel at the side, while it is not in this one. */
  readonly second = new SecondWindow();
  readonly prompting: Prompting;

  constructor(readonly room: Room) {
    this.hands = new Hands(
      room,
      () => this.viewer,
      (uid) => this.jumpTo(uid),
    );
    this.prompting = new Prompting(room, () => this.viewer);
    this.going = new Going(() => room.form, {
      image: (index, frame) => {
        const series = room.series[index];
        if (series && (frame >= 0 || this.at.series !== index)) this.showFrame(series.id, Math.max(0, frame));
      },
      mark: (uid) => this.viewer?.select(uid),
      element: (id) => this.second.document.getElementById(id),
      question: (code) => this.focusQuestion(code),
    });
  }

  /** The keys and the tools act on the active pane. */
  readonly viewer: Viewer | null = $derived.by(() => this.viewers[this.arrangement.active] ?? null);
  // The view changes several times with each picture; what hangs on its series alone stays as it is.
  readonly series: SeriesDisplay | null = $derived(this.view.series);
  private readonly frame: number = $derived(this.view.index);
  readonly presets: Preset[] = $derived(this.series ? presetsFor(this.series) : []);
  /** The series and the frame in the active pane, by index; a plane lies across all frames. */
  readonly at: { series: number; frame: number } = $derived.by(() => {
    const shown = this.series;
    const source = shown && sourceOf(shown);
    const series = source ? this.room.series.findIndex(({ id }) => id === source.id) : -1;
    return { series, frame: series < 0 || shown?.section ? -1 : this.frame };
  });
  readonly active: Answerable | null = $derived.by(() => {
    const { here } = this.room.form;
    return here.find(({ question }) => question.code === this.activeQuestion) ?? here[0] ?? null;
  });
  /** Digits answer the question the reader is at, or else the first that has options. */
  readonly keyed: Answerable | null = $derived.by(() => {
    if (this.active && hasChoices(this.active)) return this.active;
    return this.room.form.here.find(hasChoices) ?? null;
  });
  readonly options: { key: string; label: string }[] = $derived.by(() => {
    const question = this.keyed?.question;
    if (!question) return [];
    return choicesOf(question).map((choice) => ({ key: keyOfChoice(question, choice), label: choice.label }));
  });
  /** With more than one series to choose from, they are listed beside the image. */
  readonly railed: boolean = $derived.by(() => this.room.series.length + this.arrangement.beside.length > 1);
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
    this.prompting.begin(room.assignment?.slot ?? 0);
    this.activeQuestion = '';
    this.hands.hold(room.classes[0]?.code ?? '');
  }

  setViewer(pane: number, viewer: Viewer | null): void {
    this.viewers = { ...this.viewers, [pane]: viewer };
  }

  focusQuestion(code: string): void {
    this.activeQuestion = code;
    this.second.document.getElementById(fieldOf(code))?.scrollIntoView({ block: 'nearest' });
  }

  /** The question after this one that has options and no answer yet. */
  following({ question }: Answerable): Answerable | undefined {
    const { here } = this.room.form;
    const at = here.findIndex((one) => one.question.code === question.code);
    return here
      .slice(at + 1)
      .find((one) => hasChoices(one) && this.room.answer(one.question.code, one.target) === null);
  }

  /** To what blocks the submission: this, or else the first. */
  jump(block: Block | undefined = this.room.blocks[0]): void {
    if (!block) return;
    if (this.room.save.kind === 'conflict') this.asked = 'conflict';
    else this.going.to(block.question, block.place);
  }

  /** Shows what an undone or redone step was about. */
  reveal(edit: Edit | Part | null): void {
    if (!edit) return;
    if (edit.kind === 'group') return this.reveal(edit.edits[0] ?? null);
    if (edit.kind === 'answer') {
      this.activeQuestion = edit.question;
      const place = this.room.form.placeOf(edit.question, edit.target);
      if (place) this.going.show(place);
    }
    if (edit.kind === 'mark') this.showMark(edit.after ?? edit.before);
    if (edit.kind === 'voxels') this.showVoxels(edit.series, edit.patch);
  }

  private showVoxels(source: number, patch: VoxelPatch): void {
    const { series, index } = this.view;
    if (series?.section?.source.id === source) {
      void this.viewer?.goTo(planeWith(series, index, patch));
      return;
    }
    const frames = this.room.record.labelmaps.get(source)?.framesOf(patch) ?? [];
    const seen = series?.id === source && frames.includes(index);
    if (!seen) this.showFrame(source, frames[0] ?? 0);
  }

  jumpTo(uid: string): void {
    this.showMark(this.room.record.marks.get(uid) ?? null);
    this.viewer?.select(uid);
  }

  jumpToClass(series: number, value: number): void {
    const map = this.room.record.labelmaps.get(series);
    const frame = Math.max(0, map?.richestFrame(value) ?? 0);
    this.showFrame(series, frame, map?.middleOn(frame, value));
  }

  goTo(item: SuggestedItem): void {
    const place = placeOf(this.room, item);
    if (item.kind === 'answer') this.focusQuestion(item.question);
    if (place) this.showFrame(place.series, place.frame, place.pixel);
  }

  private showMark(mark: Mark | null): void {
    for (const series of mark ? this.room.series : []) {
      const frame = frameIndexOf(series, mark as Mark);
      if (frame >= 0) return this.showFrame(series.id, frame, middleOf(mark as Mark));
    }
  }

  // In a pane that shows the series, or else in the active one; in planes, where that pixel lies.
  private showFrame(series: number, frame: number, pixel?: Point): void {
    const { stage, viewer, arrangement } = this;
    const source = this.view.series?.section?.source;
    if (stage && viewer && source?.id === series)
      return stage.goTo(viewer, frame, pixel ?? [(source.columns - 1) / 2, (source.rows - 1) / 2]);
    const pane = arrangement.paneOf(series);
    if (pane < 0) return arrangement.place(series, { frame });
    arrangement.active = pane;
    void this.viewers[pane]?.goTo(frame);
  }
}
