/** The form as it stands: what is asked of the case and of the series and image at hand, and what is left. */

import { t } from '../../strings';
import type { AnswerValue, FrameDescription, LabelClass, Mark, SeriesDisplay } from '../../viewer/types';
import {
  type Answers,
  CASE,
  Form,
  frameTarget,
  levelOf,
  type Place,
  type Scene,
  targetOf,
} from './conditions';
import { type Block, blocks, proposalOf } from './form';
import type { LabelSchema, Question, SeriesSummary } from './types';

/** What the form needs of the session in which it is filled in. */
export interface Reading {
  readonly schema: LabelSchema;
  readonly classes: readonly LabelClass[];
  readonly assignment: {
    case: { series: readonly Pick<SeriesSummary, 'id' | 'series_uid'>[] };
  } | null;
  readonly series: readonly (Pick<SeriesDisplay, 'id' | 'description'> & {
    frames: readonly Pick<FrameDescription, 'sop_instance_uid' | 'frame'>[];
  })[];
  readonly record: Answers;
  /** Drawn marks, and one per painted series. */
  readonly everyMark: readonly Mark[];
  /** Which classes are painted in each series. */
  readonly painted: readonly { series: number; label: LabelClass }[];
  readonly revision: number;
}

/** The questions of one level at one place. */
export interface Section {
  place: Place;
  /** '' for the case itself. */
  title: string;
  questions: Question[];
}

export interface Asked {
  question: Question;
  target: string;
}

export class FormState {
  /** The series and the frame on the screen, by index; -1 for none. */
  at = $state.raw({ series: -1, frame: -1 });

  /** Tracking UID of the mark that is selected, whose questions are open too; '' for none. */
  selected = $state('');

  constructor(private readonly reading: Reading) {}

  readonly scene: Scene = $derived.by(() => {
    const { assignment, series, painted, everyMark } = this.reading;
    const uids = new Map(assignment?.case.series.map(({ id, series_uid }) => [id, series_uid]));
    const classesIn = (id: number | null) =>
      painted.filter(({ series: its }) => its === id).map(({ label }) => label.code);
    const labelmaps = everyMark.filter(({ kind }) => kind === 'labelmap');
    return {
      series: series.map(({ id, frames }) => ({
        id,
        uid: uids.get(id) ?? '',
        frames: frames.map((one) => frameTarget(one.sop_instance_uid, one.frame)),
      })),
      painted: new Map(labelmaps.map((mark) => [mark.tracking_uid, new Set(classesIn(mark.series))])),
    };
  });
  readonly form: Form = $derived.by(() => {
    void this.reading.revision;
    return new Form(this.reading.schema, this.reading.record, this.reading.everyMark, this.scene);
  });
  readonly blocks: Block[] = $derived.by(() => blocks(this.form, this.reading.everyMark));
  readonly sections: Section[] = $derived.by(() => {
    const series = this.scene.series[this.at.series];
    const frame = series?.frames[this.at.frame];
    const places = [
      CASE,
      ...(series ? [this.form.place('series', series.uid)] : []),
      ...(frame ? [this.form.place('frame', frame)] : []),
    ];
    return places
      .filter((place) => place !== undefined)
      .map((place) => ({ place, title: this.nameOf(place), questions: this.form.askedAt(place) }))
      .filter(({ questions }) => questions.length > 0);
  });
  /** All questions at hand, in the order in which they stand on the page; last, those of the selected mark. */
  readonly here: Asked[] = $derived([
    ...this.sections.flatMap(({ place, questions }) =>
      questions.map((question) => ({ question, target: targetOf(place) })),
    ),
    ...this.questionsOfMark(this.selected).map((question) => ({ question, target: this.selected })),
  ]);
  /** Proposals of the schema among the questions at hand that wait to be confirmed. */
  readonly proposals: (Asked & { value: AnswerValue })[] = $derived(
    this.here
      .map((asked) => ({
        ...asked,
        value: proposalOf(asked.question, this.form.answer(asked.question.code, asked.target)),
      }))
      .filter(({ value }) => value !== null),
  );

  questionsOfMark(uid: string): Question[] {
    const place = this.form.place('mark', uid);
    return place ? this.form.askedAt(place) : [];
  }

  /** Where an answer was given; undefined where the case has no such thing any more. */
  placeOf(code: string, target: string): Place | undefined {
    const question = this.form.question(code);
    return question && this.form.place(levelOf(question), target);
  }

  /** By index in the case: the series and the image that a place lies in; -1 for none. */
  indexesOf(place: Place): { series: number; frame: number } {
    const series = this.scene.series.findIndex(({ uid }) => uid === place.targets.series);
    const frame = this.scene.series[series]?.frames.indexOf(place.targets.frame ?? '') ?? -1;
    return { series, frame };
  }

  /** Which series, image or mark it is, as the reader counts them; '' for the case itself. */
  nameOf(place: Place): string {
    if (place.level === 'case') return '';
    const { series, frame } = this.indexesOf(place);
    const parts: string[] = [];
    if (place.level === 'mark') parts.push(this.nameOfMark(targetOf(place)));
    if (frame >= 0) parts.push(t('form.image', { number: frame + 1 }));
    if (series >= 0 && (this.scene.series.length > 1 || place.level === 'series')) {
      const described = this.reading.series[series]?.description;
      parts.push(described || t('viewer.seriesNumber', { number: series + 1 }));
    }
    return parts.join(' · ');
  }

  private nameOfMark(uid: string): string {
    const mark = this.reading.everyMark.find((one) => one.tracking_uid === uid);
    if (!mark) return '';
    const label = this.reading.classes.find(({ code }) => code === mark.label_class)?.name ?? '';
    return [label, t(`mark.${mark.kind}`)].filter(Boolean).join(' ');
  }
}
