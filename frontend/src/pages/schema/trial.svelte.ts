/** The form filled in on trial: the reader's own form over an imagined case of one series with two images. */

import type { AnswerValue, Mark, MarkKind } from '../../viewer/types';
import type { Answers } from '../reading-room/conditions';
import { FormState, type Reading } from '../reading-room/form-state.svelte';
import type { Question } from '../reading-room/types';
import { type Document, listOf } from './document';

const SERIES = { id: 1, uid: 'series' };

export class Trial implements Reading {
  #answers = $state.raw<ReadonlyMap<string, AnswerValue>>(new Map());
  #marks = $state.raw<readonly Mark[]>([]);
  #made = 0;
  revision = $state(0);
  readonly assignment = { case: { series: [{ id: SERIES.id, series_uid: SERIES.uid }] } };
  readonly series = [
    {
      id: SERIES.id,
      description: '',
      frames: [1, 2].map((frame) => ({ sop_instance_uid: 'image', frame })),
    },
  ];
  readonly painted = [];
  readonly suggestions = { answerTo: () => null };
  readonly record: Answers = { answer: (question, target = '') => this.answer(question, target) };
  readonly editing = {
    answer: (question: Question, value: AnswerValue, target = '') => {
      this.#answers = new Map(this.#answers).set(`${question.code} ${target}`, value);
      this.revision++;
    },
  };
  readonly form: FormState;

  constructor(
    private readonly source: () => Document,
    readonly slug: string,
  ) {
    this.form = new FormState(this);
    this.form.at = { series: 0, frame: 0 };
  }

  get schema(): Document {
    return this.source();
  }
  get classes() {
    return listOf(this.schema, 'classes');
  }
  get everyMark(): readonly Mark[] {
    return this.#marks;
  }
  get begun(): boolean {
    return this.#answers.size > 0 || this.#marks.length > 0;
  }

  answer(question: string, target = ''): AnswerValue {
    return this.#answers.get(`${question} ${target}`) ?? null;
  }

  /** As if the reader had drawn one. */
  draw(label: string, kind: MarkKind): void {
    const mark: Mark = {
      tracking_uid: `mark-${++this.#made}`,
      kind,
      label_class: label,
      sop_instance_uid: 'image',
      frame: 1,
      points_px: [],
      mask: null,
      series: SERIES.id,
      text: '',
    };
    this.#marks = [...this.#marks, mark];
    this.revision++;
  }

  erase(uid: string): void {
    this.#marks = this.#marks.filter(({ tracking_uid }) => tracking_uid !== uid);
    this.revision++;
  }

  clear(): void {
    this.#answers = new Map();
    this.#marks = [];
    this.revision++;
  }
}
