/**
 * The project's own record of what a reader has done in one case: answers, marks, labelmaps, and one
 * history for all three. What is on the screen is a projection of this; nothing is read from there alone.
 */

import { Labelmap, type VoxelPatch } from './labelmap';
import type { Answer, AnswerValue, Content, Decision, LabelClass, Mark } from './types';

export type Edit =
  | { kind: 'mark'; title: string; uid: string; before: Mark | null; after: Mark | null }
  | {
      kind: 'answer';
      title: string;
      question: string;
      target: string;
      before: AnswerValue;
      after: AnswerValue;
    }
  | { kind: 'voxels'; title: string; series: number; patch: VoxelPatch }
  | {
      kind: 'decision';
      title: string;
      suggestion: number;
      item: string;
      before: Decision['decision'] | null;
      after: Decision['decision'] | null;
    }
  /** Several at once that are one step for the reader. */
  | { kind: 'group'; title: string; edits: readonly Edit[] };

/** What changed, for those who draw or save it. */
export type Change =
  | { kind: 'mark'; uid: string }
  | { kind: 'answer'; question: string; target: string }
  | { kind: 'voxels'; series: number; frames: number[] }
  | { kind: 'decision' }
  | { kind: 'everything' };

const STEPS_KEPT = 500;
const PATCH_BYTES_KEPT = 256 * 1024 * 1024;
const BYTES_PER_PATCHED_VOXEL = 6;

const keyOf = (question: string, target: string): string => `${question}\u0000${target}`;
const isEmpty = (value: AnswerValue): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

export class CaseRecord {
  readonly marks = new Map<string, Mark>();
  readonly labelmaps = new Map<number, Labelmap>();
  private readonly answerByKey = new Map<string, Answer>();
  private readonly decisionByKey = new Map<string, Decision>();
  private readonly done: Edit[] = [];
  private readonly undone: Edit[] = [];
  private readonly listeners = new Set<(change: Change) => void>();

  onChange(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }

  get answers(): Answer[] {
    return [...this.answerByKey.values()];
  }

  answer(question: string, target = ''): AnswerValue {
    return this.answerByKey.get(keyOf(question, target))?.value ?? null;
  }

  get decisions(): Decision[] {
    return [...this.decisionByKey.values()];
  }

  decision(suggestion: number, item: string): Decision['decision'] | null {
    return this.decisionByKey.get(keyOf(String(suggestion), item))?.decision ?? null;
  }

  /** Takes over a stored state; the history starts afresh. */
  load(
    { answers, marks, suggestions = [] }: Content,
    labelmaps: ReadonlyMap<number, Labelmap> = new Map(),
  ): void {
    this.answerByKey.clear();
    this.decisionByKey.clear();
    for (const one of suggestions) this.decisionByKey.set(keyOf(String(one.suggestion), one.item), one);
    this.marks.clear();
    this.labelmaps.clear();
    for (const answer of answers) this.answerByKey.set(keyOf(answer.question, answer.target), answer);
    for (const mark of marks) if (mark.kind !== 'labelmap') this.marks.set(mark.tracking_uid, mark);
    for (const [series, labelmap] of labelmaps) this.labelmaps.set(series, labelmap);
    this.done.length = 0;
    this.undone.length = 0;
    this.tell({ kind: 'everything' });
  }

  /** With `typing`, letter after letter of one answer makes one step of the history. */
  setAnswer(question: string, value: AnswerValue, title: string, { target = '', typing = false } = {}): void {
    const before = this.answer(question, target);
    const after = isEmpty(value) ? null : value;
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    const last = this.done.at(-1);
    if (typing && last?.kind === 'answer' && last.question === question && last.target === target) {
      last.after = after;
      this.undone.length = 0;
      return this.apply(last, 'after');
    }
    this.commit({ kind: 'answer', title, question, target, before, after });
  }

  /** With `typing`, letter after letter of a mark's text makes one step of the history. */
  setMark(uid: string, after: Mark | null, title: string, { typing = false } = {}): void {
    const last = this.done.at(-1);
    if (typing && last?.kind === 'mark' && last.uid === uid && last.title === title) {
      last.after = after;
      this.undone.length = 0;
      return this.apply(last, 'after');
    }
    this.commit({ kind: 'mark', title, uid, before: this.marks.get(uid) ?? null, after });
  }

  /** Several changes as one step. */
  commitAll(title: string, edits: readonly Edit[]): void {
    if (edits.length > 0) this.commit({ kind: 'group', title, edits });
  }

  /** Records a stroke whose voxels are painted already. */
  painted(series: number, patch: VoxelPatch, title: string): void {
    this.push({ kind: 'voxels', title, series, patch });
    this.tell({ kind: 'voxels', series, frames: this.labelmaps.get(series)?.framesOf(patch.indexes) ?? [] });
  }

  labelmap(series: number, frames: number, rows: number, columns: number): Labelmap {
    let map = this.labelmaps.get(series);
    if (!map) {
      map = new Labelmap(frames, rows, columns);
      this.labelmaps.set(series, map);
    }
    return map;
  }

  get undoTitle(): string | null {
    return this.done.at(-1)?.title ?? null;
  }

  get redoTitle(): string | null {
    return this.undone.at(-1)?.title ?? null;
  }

  /** The steps so far, oldest first. */
  get steps(): string[] {
    return this.done.map((edit) => edit.title);
  }

  undo(): Edit | null {
    const edit = this.done.pop();
    if (!edit) return null;
    this.undone.push(edit);
    this.apply(edit, 'before');
    return edit;
  }

  redo(): Edit | null {
    const edit = this.undone.pop();
    if (!edit) return null;
    this.done.push(edit);
    this.apply(edit, 'after');
    return edit;
  }

  private commit(edit: Edit): void {
    this.push(edit);
    this.apply(edit, 'after');
  }

  private push(edit: Edit): void {
    this.done.push(edit);
    this.undone.length = 0;
    while (this.done.length > STEPS_KEPT || this.patchBytes() > PATCH_BYTES_KEPT) this.done.shift();
  }

  private patchBytes(): number {
    const voxels = this.done.reduce((sum, edit) => sum + voxelsOf(edit), 0);
    return voxels * BYTES_PER_PATCHED_VOXEL;
  }

  private apply(edit: Edit, side: 'before' | 'after'): void {
    if (edit.kind === 'group') {
      const edits = side === 'after' ? edit.edits : [...edit.edits].reverse();
      for (const one of edits) this.apply(one, side);
      return;
    }
    if (edit.kind === 'decision') return this.applyDecision(edit, side);
    if (edit.kind === 'voxels') return this.applyVoxels(edit.series, edit.patch, side);
    if (edit.kind === 'mark') {
      const mark = edit[side];
      if (mark) this.marks.set(edit.uid, mark);
      else this.marks.delete(edit.uid);
      return this.tell({ kind: 'mark', uid: edit.uid });
    }
    const { question, target } = edit;
    const value = edit[side];
    if (value === null) this.answerByKey.delete(keyOf(question, target));
    else this.answerByKey.set(keyOf(question, target), { question, target, value });
    this.tell({ kind: 'answer', question, target });
  }

  private applyDecision(edit: Extract<Edit, { kind: 'decision' }>, side: 'before' | 'after'): void {
    const { suggestion, item } = edit;
    const decision = edit[side];
    const key = keyOf(String(suggestion), item);
    if (decision) this.decisionByKey.set(key, { suggestion, item, decision });
    else this.decisionByKey.delete(key);
    this.tell({ kind: 'decision' });
  }

  private applyVoxels(series: number, patch: VoxelPatch, side: 'before' | 'after'): void {
    const map = this.labelmaps.get(series);
    if (!map) return;
    map.write(patch.indexes, patch[side]);
    this.tell({ kind: 'voxels', series, frames: map.framesOf(patch.indexes) });
  }
}

function voxelsOf(edit: Edit): number {
  if (edit.kind === 'voxels') return edit.patch.indexes.length;
  return edit.kind === 'group' ? edit.edits.reduce((sum, one) => sum + voxelsOf(one), 0) : 0;
}

/** The classes that are painted anywhere in the labelmap. */
export function paintedClasses(map: Labelmap, classes: readonly LabelClass[]): LabelClass[] {
  return classes.filter(({ value }) => (map.counts[value] ?? 0) > 0);
}
