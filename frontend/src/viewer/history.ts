/** The one list of steps of a case: what was done, what was undone, and how far back it goes. */

import { patchBytes, type VoxelPatch } from '../voxels/patch';
import type { Look } from './looks';
import type { AnswerValue, Decision, Mark, PromptUse } from './types';

/** One thing that changed. */
export type Part =
  | { kind: 'mark'; uid: string; before: Mark | null; after: Mark | null }
  | { kind: 'answer'; question: string; target: string; before: AnswerValue; after: AnswerValue }
  | { kind: 'look'; target: string; before: Look | null; after: Look | null }
  | { kind: 'voxels'; series: number; patch: VoxelPatch; deleted?: number }
  | { kind: 'prompted'; prompted: number; before: PromptUse | null; after: PromptUse | null }
  | {
      kind: 'decision';
      suggestion: number;
      item: string;
      before: Decision['decision'] | null;
      after: Decision['decision'] | null;
    };
/** Several that are one step for the reader. */
export interface Group {
  kind: 'group';
  edits: readonly Part[];
}
/** A step: what undo takes back at once. */
export type Edit = { title: string; at: number } & (Part | Group);

export const STEPS_KEPT = 500;
export const PATCH_BYTES_KEPT = 256 * 1024 * 1024;

function bytesOf(edit: Part | Group): number {
  if (edit.kind === 'group') return edit.edits.reduce((sum, one) => sum + bytesOf(one), 0);
  return edit.kind === 'voxels' ? patchBytes(edit.patch) : 0;
}

export class History {
  private readonly done: Edit[] = [];
  private readonly undone: Edit[] = [];
  private bytes = 0;
  /** Steps that are too long ago to be taken back. */
  forgotten = 0;

  clear(): void {
    this.done.length = 0;
    this.undone.length = 0;
    this.bytes = 0;
    this.forgotten = 0;
  }

  get last(): Edit | undefined {
    return this.done.at(-1);
  }

  get next(): Edit | undefined {
    return this.undone.at(-1);
  }

  /** Every step there is, oldest first: first those that hold, then those that were undone. */
  get steps(): readonly Edit[] {
    return [...this.done, ...this.undone.toReversed()];
  }

  /** How many of the steps hold. */
  get position(): number {
    return this.done.length;
  }

  push(edit: Edit): void {
    this.done.push(edit);
    this.bytes += bytesOf(edit);
    this.forgetUndone();
    while (this.done.length > STEPS_KEPT || (this.bytes > PATCH_BYTES_KEPT && this.done.length > 1)) {
      this.bytes -= bytesOf(this.done.shift() as Edit);
      this.forgotten += 1;
    }
  }

  /** Something new was done: what was undone before cannot be done again. */
  forgetUndone(): void {
    for (const edit of this.undone) this.bytes -= bytesOf(edit);
    this.undone.length = 0;
  }

  undo(): Edit | null {
    const edit = this.done.pop();
    if (edit) this.undone.push(edit);
    return edit ?? null;
  }

  redo(): Edit | null {
    const edit = this.undone.pop();
    if (edit) this.done.push(edit);
    return edit ?? null;
  }
}
