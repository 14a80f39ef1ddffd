/** The case that is open: what is known of it, what the reader says about it so far, and how that is changed. */

import { t } from '../../strings';
import { CaseRecord, type Edit } from '../../viewer/record';
import type { AnswerValue, LabelClass, Mark, SeriesDisplay } from '../../viewer/types';
import type { SaveState } from './autosave';
import { Displays } from './displays';
import { askedOf, type Block, blocks } from './form';
import { LabelmapUids } from './labelmap-uids';
import { Suggestions } from './suggestions.svelte';
import type { Assignment, Hanging, LabelSchema, Question } from './types';

export class CaseAtHand {
  assignment = $state.raw<Assignment | null>(null);
  series = $state.raw<SeriesDisplay[]>([]);
  /** How the case is to be hung; null where nobody could say. */
  hanging = $state.raw<Hanging | null>(null);
  save = $state.raw<SaveState>({ kind: 'saved' });
  /** Grows with every change of the record, so that what is derived from it is derived again. */
  revision = $state(0);

  readonly record = new CaseRecord();
  readonly suggestions = new Suggestions({
    record: this.record,
    revision: () => this.revision,
    classes: () => this.classes,
    questions: () => this.schema.questions ?? [],
  });
  readonly displays = new Displays();
  protected readonly labelmaps = new LabelmapUids();
  protected readonly stops: (() => void)[] = [];

  constructor() {
    this.stops.push(
      this.record.onChange(() => {
        this.revision += 1;
      }),
    );
  }

  // --- what the page shows ---

  readonly schema: LabelSchema = $derived(this.assignment?.label_schema.document ?? {});
  readonly classes: LabelClass[] = $derived(this.schema.classes ?? []);
  readonly marks: Mark[] = $derived.by(() => {
    void this.revision;
    return [...this.record.marks.values()];
  });
  readonly painted: { series: number; label: LabelClass; voxels: number }[] = $derived.by(() => {
    void this.revision;
    return [...this.record.labelmaps].flatMap(([series, map]) =>
      this.classes
        .map((label) => ({ series, label, voxels: map.counts[label.value] ?? 0 }))
        .filter(({ voxels }) => voxels > 0),
    );
  });
  readonly questions: Question[] = $derived.by(() => {
    void this.revision;
    return askedOf(this.schema, 'case', this.record);
  });
  readonly blocks: Block[] = $derived.by(() => {
    void this.revision;
    const conflict = { text: t('conflict.title'), question: null, target: '' };
    const first = this.save.kind === 'conflict' ? [conflict] : [];
    return [...first, ...blocks(this.schema, this.record, this.labelmaps.allMarks(this.record))];
  });

  answer(question: string, target = ''): AnswerValue {
    void this.revision;
    return this.record.answer(question, target);
  }

  questionsOfMark(uid: string): Question[] {
    void this.revision;
    return askedOf(this.schema, 'mark', this.record, uid);
  }

  // --- editing ---

  setAnswer(question: Question, value: AnswerValue, target = ''): void {
    const typing = question.type === 'text' || question.type === 'number';
    const title = t('step.answer', { question: question.text });
    this.record.setAnswer(question.code, value, title, { target, typing });
  }

  undo(): Edit | null {
    return this.record.undo();
  }

  redo(): Edit | null {
    return this.record.redo();
  }

  removeMark(uid: string): void {
    const mark = this.record.marks.get(uid);
    if (mark) this.record.setMark(uid, null, t('step.removed', { kind: t(`mark.${mark.kind}`) }));
  }

  changeClass(uid: string, code: string): void {
    const mark = this.record.marks.get(uid);
    if (mark) this.record.setMark(uid, { ...mark, label_class: code }, t('step.class'));
  }

  writeText(mark: Mark, text: string): void {
    const title = t('step.text', { kind: t(`mark.${mark.kind}`) });
    this.record.setMark(mark.tracking_uid, { ...mark, text }, title, { typing: true });
  }
}
