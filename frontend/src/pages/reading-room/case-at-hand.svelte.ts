/** The case that is open: what is known of it, what the reader says about it so far, and how that is changed. */

import { t } from '../../strings';
import { type Appearance, looksToStore, type StoredLook } from '../../viewer/looks';
import { CaseRecord, type Edit } from '../../viewer/record';
import type { AnswerValue, LabelClass, Mark, SeriesDisplay } from '../../viewer/types';
import type { SaveState } from './autosave';
import { Displays } from './displays';
import { Editing } from './editing';
import { CASE } from './conditions';
import type { Block } from './form';
import { FormState } from './form-state.svelte';
import { LabelmapUids } from './labelmap-uids';
import { Suggestions } from './suggestions.svelte';
import type { Assignment, Hanging, LabelSchema } from './types';

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
  readonly editing = new Editing(this.record, () => this.classes);
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
  readonly looks: StoredLook[] = $derived.by(() => {
    void this.revision;
    return looksToStore(this.record.looks, this.record.marks);
  });
  /** The classes as this reading shows them. */
  readonly segments: Appearance[] = $derived.by(() => {
    void this.revision;
    return this.classes.map((label) => this.editing.segment(label));
  });
  readonly painted: { series: number; label: Appearance; voxels: number }[] = $derived.by(() => {
    void this.revision;
    return [...this.record.labelmaps].flatMap(([series, map]) =>
      this.segments
        .map((label) => ({ series, label, voxels: map.counts[label.value] ?? 0 }))
        .filter(({ voxels }) => voxels > 0),
    );
  });
  /** Drawn marks, and one per painted series, as the submission will name them. */
  readonly everyMark: Mark[] = $derived.by(() => {
    void this.revision;
    return this.labelmaps.allMarks(this.record);
  });
  readonly form = new FormState(this);
  readonly blocks: Block[] = $derived.by(() => {
    const conflict = { text: t('conflict.title'), question: null, place: CASE };
    return this.save.kind === 'conflict' ? [conflict, ...this.form.blocks] : this.form.blocks;
  });

  answer(question: string, target = ''): AnswerValue {
    void this.revision;
    return this.record.answer(question, target);
  }

  // --- the history ---

  undo(): Edit | null {
    return this.record.undo();
  }

  redo(): Edit | null {
    return this.record.redo();
  }
}
