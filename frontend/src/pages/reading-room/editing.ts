/** What a reader does to answers, marks and segments outside the image: each is one step of the history. */

import { t } from '../../strings';
import { type Appearance, appearanceOf, type Look, mayHave, segmentTarget } from '../../viewer/looks';
import type { CaseRecord, Part } from '../../viewer/record';
import type { AnswerValue, LabelClass, Mark } from '../../viewer/types';
import { PatchBuilder } from '../../voxels/patch';
import type { Question } from './types';

const kindOf = ({ kind }: Mark): string => t(`mark.${kind}`);

export class Editing {
  constructor(
    private readonly record: CaseRecord,
    private readonly classes: () => readonly LabelClass[],
  ) {}

  answer(question: Question, value: AnswerValue, target = ''): void {
    const typing = question.type === 'text' || question.type === 'number';
    const title = t('step.answer', { question: question.text });
    this.record.setAnswer(question.code, value, title, { target, typing });
  }

  /** What the schema proposes becomes the reader's answer, all of it in one step. */
  confirm(proposals: readonly { question: Question; value: AnswerValue; target: string }[]): void {
    const parts = proposals.map(({ question: { code }, value: after, target }): Part => {
      return { kind: 'answer', question: code, target, before: this.record.answer(code, target), after };
    });
    this.record.commitAll(t('step.confirmed', { n: parts.length }), parts);
  }

  // --- marks ---

  removeMark(uid: string): void {
    const mark = this.record.marks.get(uid);
    if (mark) this.record.setMark(uid, null, t('step.removed', { kind: kindOf(mark) }));
  }

  restoreMark(uid: string): void {
    const mark = this.record.deleted.get(uid);
    if (mark) this.record.setMark(uid, mark, t('step.restore', { kind: kindOf(mark) }));
  }

  /** False if the label schema gives that class no marks of this kind. */
  changeClass(uid: string, code: string): boolean {
    const mark = this.record.marks.get(uid);
    const label = this.classes().find((one) => one.code === code) ?? null;
    if (!mark || !mayHave(label, mark.kind)) return false;
    this.record.setMark(uid, { ...mark, label_class: code }, t('step.class'));
    return true;
  }

  /** The name of a mark, or the text of an arrow. */
  writeText(mark: Mark, text: string): void {
    const key = mark.kind === 'arrow' ? 'step.text' : 'step.rename';
    const title = t(key, { kind: kindOf(mark), name: kindOf(mark) });
    this.record.setMark(mark.tracking_uid, { ...mark, text }, title, { typing: true });
  }

  recolourMark(mark: Mark, colour: string): void {
    const title = t('step.recolour', { name: kindOf(mark) });
    this.record.setLook(mark.tracking_uid, { colour }, title, { typing: true });
  }

  hideMark(mark: Mark): void {
    const hidden = !this.record.look(mark.tracking_uid).hidden;
    const title = t(hidden ? 'step.hide' : 'step.show', { name: kindOf(mark) });
    this.record.setLook(mark.tracking_uid, { hidden }, title);
  }

  // --- segments ---

  segment(label: LabelClass): Appearance {
    return appearanceOf(label, this.record.look);
  }

  styleSegment(label: LabelClass, change: Pick<Look, 'name' | 'colour' | 'opacity'>): void {
    const key = 'name' in change ? 'step.rename' : 'colour' in change ? 'step.recolour' : 'step.opacity';
    const title = t(key, { name: label.name });
    const { name } = change;
    const own = name === label.name ? { ...change, name: '' } : change;
    this.record.setLook(segmentTarget(label.code), own, title, { typing: true });
  }

  hideSegment(label: LabelClass): void {
    const hidden = !this.segment(label).hidden;
    this.switchSegment(label, { hidden }, hidden ? 'step.hide' : 'step.show');
  }

  lockSegment(label: LabelClass): void {
    const locked = !this.segment(label).locked;
    this.switchSegment(label, { locked }, locked ? 'step.lock' : 'step.unlock');
  }

  private switchSegment(
    label: LabelClass,
    change: Look,
    key: 'step.hide' | 'step.show' | 'step.lock' | 'step.unlock',
  ): void {
    const title = t(key, { name: this.segment(label).name });
    this.record.setLook(segmentTarget(label.code), change, title);
  }

  /** The segments that were deleted, are not painted again and can still be restored. */
  deletedSegments(): { series: number; label: LabelClass }[] {
    const { steps, position } = this.record.history;
    const found = new Map<string, { series: number; label: LabelClass }>();
    for (const step of steps.slice(0, position)) {
      if (step.kind !== 'voxels' || step.deleted === undefined) continue;
      const { series, deleted } = step;
      const label = this.classes().find(({ value }) => value === deleted);
      const left = this.record.labelmaps.get(series)?.counts[deleted] ?? 0;
      if (label && left === 0) found.set(`${series}/${deleted}`, { series, label });
    }
    return [...found.values()];
  }

  /** Paints a deleted segment again where nothing else has been painted since. */
  restoreSegment(series: number, label: LabelClass): void {
    const { steps, position } = this.record.history;
    const map = this.record.labelmaps.get(series);
    const step = steps
      .slice(0, position)
      .findLast((one) => one.kind === 'voxels' && one.series === series && one.deleted === label.value);
    if (!map || step?.kind !== 'voxels') return;
    const builder = new PatchBuilder();
    step.patch.starts.forEach((start, i) => {
      const end = start + (step.patch.lengths[i] as number);
      for (let at = start; at < end; at++) if (map.bytes[at] === 0) builder.set(at, 0, label.value);
    });
    const patch = builder.build();
    if (patch)
      this.record.repaint(series, patch, t('step.restoreSegment', { label: this.segment(label).name }));
  }
}
