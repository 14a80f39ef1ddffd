/**
 * The project's own record of what a reader has done in one case: answers, marks, labelmaps, how they are
 * shown, and one history for all of it. What is on the screen is a projection; nothing is read from there alone.
 */

import type { VoxelPatch } from '../voxels/patch';
import { type Edit, type Group, History, type Part } from './history';
import { Labelmap } from './labelmap';
import { type Look, plain } from './looks';
import type { Answer, AnswerValue, Content, Decision, Mark, PromptUse } from './types';

export type { Edit, Part } from './history';

/** What changed, for those who draw or save it. */
export type Change =
  | { kind: 'mark'; uid: string }
  | { kind: 'answer'; question: string; target: string }
  | { kind: 'look'; target: string }
  | { kind: 'voxels'; series: number; frames: number[] }
  | { kind: 'decision' }
  | { kind: 'everything' };

type Side = 'before' | 'after';

const keyOf = (question: string, target: string): string => `${question}\u0000${target}`;
const isEmpty = (value: AnswerValue): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export class CaseRecord {
  readonly marks = new Map<string, Mark>();
  readonly labelmaps = new Map<number, Labelmap>();
  readonly looks = new Map<string, Look>();
  /** The answers to prompts that are part of what is painted, by their number. */
  readonly prompted = new Map<number, PromptUse>();
  /** Marks that were deleted since the case was opened, as they were last; the newest comes last. */
  readonly deleted = new Map<string, Mark>();
  readonly history = new History();
  private readonly answerByKey = new Map<string, Answer>();
  private readonly decisionByKey = new Map<string, Decision>();
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

  readonly look = (target: string): Look => this.looks.get(target) ?? {};

  /** Takes over a stored state; the history starts afresh. */
  load(
    { answers, marks, suggestions = [], prompted = [], looks = [] }: Content,
    labelmaps: ReadonlyMap<number, Labelmap> = new Map(),
  ): void {
    for (const kept of [this.answerByKey, this.marks, this.labelmaps, this.looks, this.deleted]) kept.clear();
    this.decisionByKey.clear();
    this.prompted.clear();
    for (const use of prompted) this.prompted.set(use.prompted, use);
    for (const one of suggestions) this.decisionByKey.set(keyOf(String(one.suggestion), one.item), one);
    for (const answer of answers) this.answerByKey.set(keyOf(answer.question, answer.target), answer);
    for (const mark of marks) if (mark.kind !== 'labelmap') this.marks.set(mark.tracking_uid, mark);
    for (const [series, labelmap] of labelmaps) this.labelmaps.set(series, labelmap);
    for (const { target, ...look } of looks) this.looks.set(target, look);
    this.history.clear();
    this.tell({ kind: 'everything' });
  }

  /** With `typing`, letter after letter of one answer makes one step of the history. */
  setAnswer(question: string, value: AnswerValue, title: string, { target = '', typing = false } = {}): void {
    const before = this.answer(question, target);
    const after = isEmpty(value) ? null : value;
    if (same(before, after)) return;
    const last = this.history.last;
    if (typing && last?.kind === 'answer' && last.question === question && last.target === target) {
      last.after = after;
      return this.goOn(last);
    }
    this.commit({ kind: 'answer', title, at: Date.now(), question, target, before, after });
  }

  /** With `typing`, letter after letter of a mark's text makes one step of the history. */
  setMark(uid: string, after: Mark | null, title: string, { typing = false } = {}): void {
    const last = this.history.last;
    if (typing && last?.kind === 'mark' && last.uid === uid && last.title === title) {
      last.after = after;
      return this.goOn(last);
    }
    this.commit({ kind: 'mark', title, at: Date.now(), uid, before: this.marks.get(uid) ?? null, after });
  }

  /** With `typing`, moving on with the same change makes one step of the history. */
  setLook(target: string, change: Look, title: string, { typing = false } = {}): void {
    const before = this.looks.get(target) ?? null;
    const after = plain({ ...before, ...change });
    if (same(before, after)) return;
    const last = this.history.last;
    if (typing && last?.kind === 'look' && last.target === target && last.title === title) {
      last.after = after;
      return this.goOn(last);
    }
    this.commit({ kind: 'look', title, at: Date.now(), target, before, after });
  }

  /** Several changes as one step. */
  commitAll(title: string, edits: readonly Part[]): void {
    if (edits.length > 0) this.commit({ kind: 'group', title, at: Date.now(), edits });
  }

  /** Records a stroke whose voxels are painted already. */
  painted(series: number, patch: VoxelPatch, title: string): void {
    this.history.push({ kind: 'voxels', title, at: Date.now(), series, patch });
    this.tell({ kind: 'voxels', series, frames: this.labelmaps.get(series)?.framesOf(patch) ?? [] });
  }

  /** Changes voxels in one step; `deleted` says which value that took away altogether. */
  repaint(series: number, patch: VoxelPatch, title: string, deleted?: number): void {
    this.commit({
      kind: 'voxels',
      title,
      at: Date.now(),
      series,
      patch,
      ...(deleted !== undefined && { deleted }),
    });
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
    return this.history.last?.title ?? null;
  }

  get redoTitle(): string | null {
    return this.history.next?.title ?? null;
  }

  /** The steps that hold, oldest first. */
  get steps(): string[] {
    const { steps, position } = this.history;
    return steps.slice(0, position).map((edit) => edit.title);
  }

  undo(): Edit | null {
    const edit = this.history.undo();
    if (edit) this.apply(edit, 'before');
    return edit;
  }

  redo(): Edit | null {
    const edit = this.history.redo();
    if (edit) this.apply(edit, 'after');
    return edit;
  }

  /** Undoes or does again until so many steps hold; the step that was reached last, if any was passed. */
  goTo(position: number): Edit | null {
    const { history } = this;
    let passed: Edit | null = null;
    while (history.position !== position) {
      const edit = history.position > position ? this.undo() : this.redo();
      if (!edit) break;
      passed = edit;
    }
    return passed;
  }

  private commit(edit: Edit): void {
    this.history.push(edit);
    this.apply(edit, 'after');
  }

  private goOn(edit: Edit): void {
    this.history.forgetUndone();
    this.apply(edit, 'after');
  }

  private apply(edit: Part | Group, side: Side): void {
    switch (edit.kind) {
      case 'group':
        for (const one of side === 'after' ? edit.edits : edit.edits.toReversed()) this.apply(one, side);
        return;
      case 'decision':
        return this.applyDecision(edit, side);
      case 'prompted':
        if (edit[side]) this.prompted.set(edit.prompted, edit[side]);
        else this.prompted.delete(edit.prompted);
        return this.tell({ kind: 'decision' });
      case 'voxels':
        return this.applyVoxels(edit.series, edit.patch, side);
      case 'mark':
        return this.applyMark(edit, side);
      case 'look':
        if (edit[side]) this.looks.set(edit.target, edit[side]);
        else this.looks.delete(edit.target);
        return this.tell({ kind: 'look', target: edit.target });
      case 'answer':
        return this.applyAnswer(edit.question, edit.target, edit[side]);
    }
  }

  private applyMark(edit: Part & { kind: 'mark' }, side: Side): void {
    const mark = edit[side];
    const wasDeleted = side === 'after' && !mark && edit.before;
    if (mark) this.marks.set(edit.uid, mark);
    else this.marks.delete(edit.uid);
    this.deleted.delete(edit.uid);
    if (wasDeleted) this.deleted.set(edit.uid, edit.before as Mark);
    this.tell({ kind: 'mark', uid: edit.uid });
  }

  private applyAnswer(question: string, target: string, value: AnswerValue): void {
    if (value === null) this.answerByKey.delete(keyOf(question, target));
    else this.answerByKey.set(keyOf(question, target), { question, target, value });
    this.tell({ kind: 'answer', question, target });
  }

  private applyDecision(edit: Part & { kind: 'decision' }, side: Side): void {
    const { suggestion, item } = edit;
    const decision = edit[side];
    const key = keyOf(String(suggestion), item);
    if (decision) this.decisionByKey.set(key, { suggestion, item, decision });
    else this.decisionByKey.delete(key);
    this.tell({ kind: 'decision' });
  }

  private applyVoxels(series: number, patch: VoxelPatch, side: Side): void {
    const map = this.labelmaps.get(series);
    if (!map) return;
    map.write(patch, side);
    this.tell({ kind: 'voxels', series, frames: map.framesOf(patch) });
  }
}
