/**
 * Which questions are asked and which rules are broken, as annotation/conditions.py says it: three values,
 * true, false, and null (unknown) where an answer that a comparison needs was not given or does not count.
 * A question is asked where its condition is true; a rule is broken where its `then` is false.
 * tests/data/form_cases.json holds both to the same table of cases.
 */

import type { AnswerValue, Mark, Option } from '../../viewer/types';
import type { Condition, LabelSchema, Level, Question, Rule } from './types';

export interface Answers {
  answer(question: string, target?: string): AnswerValue;
}

export interface SeriesOfCase {
  id: number;
  uid: string;
  /** Their targets in the order in which they are shown, as `frameTarget` makes them. */
  frames: readonly string[];
}

/** What a case is made of. `painted`: tracking UID of a labelmap to the codes of the classes in it. */
export interface Scene {
  series: readonly SeriesOfCase[];
  painted: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Where a question or a rule applies: a target of its own level, and those of what it lies in. */
export interface Place {
  level: Level;
  targets: Readonly<Partial<Record<Level, string>>>;
}

type Kleene = boolean | null;
type Compare = (value: AnswerValue, operand: AnswerValue) => Kleene;

export const CASE: Place = { level: 'case', targets: { case: '' } };
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

export const levelOf = (asked: { level?: Level }): Level => asked.level ?? 'case';
export const targetOf = (place: Place): string => place.targets[place.level] ?? '';

/** Frames count from 1 within their instance, as in DICOM. */
export const frameTarget = (sopInstanceUid: string, frame: number | null): string =>
  `${sopInstanceUid}#${frame}`;

/** No answer, or one that was taken back. */
export const isEmpty = (value: AnswerValue): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

const not = (found: Kleene): Kleene => (found === null ? null : !found);
function every(found: readonly Kleene[]): Kleene {
  if (found.includes(false)) return false;
  return found.includes(null) ? null : true;
}
const some = (found: readonly Kleene[]): Kleene => not(every(found.map(not)));

/** Only numbers and texts are answers. */
const same = (one: unknown, other: unknown): boolean =>
  (typeof one === 'number' || typeof one === 'string') && one === other;
const equals = (value: AnswerValue, operand: AnswerValue): boolean =>
  (Array.isArray(value) ? value : [value]).some((one) => same(one, operand));

const isDate = (value: AnswerValue): boolean => typeof value === 'string' && DATE.test(value);

function ordered(holds: (value: Option, operand: Option) => boolean): Compare {
  return (value, operand) => {
    const numbers = typeof value === 'number' && typeof operand === 'number';
    if (!numbers && !(isDate(value) && isDate(operand))) return null;
    return holds(value as Option, operand as Option);
  };
}

const COMPARE: Record<string, Compare> = {
  equals,
  not_equals: (value, operand) => !equals(value, operand),
  any_of: (value, operand) => (operand as Option[]).some((one) => equals(value, one)),
  below: ordered((value, operand) => value < operand),
  at_most: ordered((value, operand) => value <= operand),
  above: ordered((value, operand) => value > operand),
  at_least: ordered((value, operand) => value >= operand),
};

/** The places of each level, and where a mark lies: on its frame, or a labelmap in its series. */
function placesOf(scene: Scene, marks: readonly Mark[]): Record<Level, Place[]> {
  const series = scene.series.map(({ uid }): Place => ({
    level: 'series',
    targets: { case: '', series: uid },
  }));
  const frames = scene.series.flatMap(({ uid, frames: inIt }) =>
    inIt.map((frame): Place => ({ level: 'frame', targets: { case: '', series: uid, frame } })),
  );
  const byFrame = new Map(frames.map((place) => [place.targets.frame, place]));
  const bySeries = new Map(scene.series.map(({ id }, index) => [id, series[index]]));
  const drawn = marks.map((mark): Place => {
    const on = byFrame.get(frameTarget(mark.sop_instance_uid, mark.frame)) ?? bySeries.get(mark.series ?? 0);
    return { level: 'mark', targets: { ...(on ?? CASE).targets, mark: mark.tracking_uid } };
  });
  return { case: [CASE], series, frame: frames, mark: drawn };
}

/** A label schema with what a reader has said by it so far. */
export class Form {
  readonly places: Readonly<Record<Level, readonly Place[]>>;
  private readonly questions: ReadonlyMap<string, Question>;
  private readonly marks: ReadonlyMap<string, Mark>;
  private readonly byTarget = new Map<string, Place>();
  private readonly asked = new Map<string, boolean>();
  private readonly inside = new Map<string, Place[]>();

  constructor(
    readonly schema: LabelSchema,
    private readonly answers: Answers,
    marks: readonly Mark[],
    readonly scene: Scene,
  ) {
    this.questions = new Map(schema.questions?.map((question) => [question.code, question]));
    this.marks = new Map(marks.map((mark) => [mark.tracking_uid, mark]));
    this.places = placesOf(scene, marks);
    for (const place of Object.values(this.places).flat())
      this.byTarget.set(`${place.level} ${targetOf(place)}`, place);
  }

  question(code: string): Question | undefined {
    return this.questions.get(code);
  }

  /** The place of a target; undefined where the case has no such thing (any more). */
  place(level: Level, target: string): Place | undefined {
    return this.byTarget.get(`${level} ${target}`);
  }

  answer(code: string, target: string): AnswerValue {
    const value = this.answers.answer(code, target);
    return isEmpty(value) ? null : value;
  }

  isAsked(question: Question, target: string): boolean {
    const key = `${question.code} ${target}`;
    const known = this.asked.get(key);
    if (known !== undefined) return known;
    const place = this.place(levelOf(question), target);
    const found =
      place !== undefined && this.isOfClass(question, place) && this.holds(question.show_if, place) === true;
    this.asked.set(key, found);
    return found;
  }

  /** The questions of that place that are asked, in the order of the schema. */
  askedAt(place: Place): Question[] {
    return (this.schema.questions ?? []).filter(
      (question) => levelOf(question) === place.level && this.isAsked(question, targetOf(place)),
    );
  }

  /** Rules that the answers break, each with where. */
  broken(): { rule: Rule; place: Place }[] {
    return (this.schema.rules ?? []).flatMap((rule) =>
      this.places[levelOf(rule)]
        .filter((place) => this.holds(rule.if, place) === true && this.holds(rule.then, place) === false)
        .map((place) => ({ rule, place })),
    );
  }

  /** Null: unknown. No condition at all holds. */
  holds(condition: Condition | null | undefined, place: Place): Kleene {
    if (!condition) return true;
    if (condition.all) return every(condition.all.map((one) => this.holds(one, place)));
    if (condition.any) return some(condition.any.map((one) => this.holds(one, place)));
    if (condition.not) return not(this.holds(condition.not, place));
    if (condition.some) {
      const such = this.within(place, condition.some).filter((inner) => this.isSuch(condition, inner));
      return some(such.map((inner) => this.holds(condition.where, inner)));
    }
    return this.compares(condition, place);
  }

  /** Whether a question on marks of some classes is one on this mark. */
  private isOfClass({ classes = [] }: Question, place: Place): boolean {
    return classes.length === 0 || classes.some((code) => this.isSuch({ some: 'mark', class: code }, place));
  }

  private isSuch(condition: Condition, { targets, level }: Place): boolean {
    const mark = level === 'mark' ? this.marks.get(targets.mark ?? '') : undefined;
    if (!mark) return true;
    if (condition.kind && condition.kind !== mark.kind) return false;
    if (!condition.class || condition.class === mark.label_class) return true;
    return this.scene.painted.get(mark.tracking_uid)?.has(condition.class) ?? false;
  }

  private within(place: Place, level: Level): Place[] {
    const key = `${level} ${place.level} ${targetOf(place)}`;
    let found = this.inside.get(key);
    if (!found) {
      found = this.places[level].filter(({ targets }) => targets[place.level] === targetOf(place));
      this.inside.set(key, found);
    }
    return found;
  }

  private compares(condition: Condition, place: Place): Kleene {
    const { question = '', ...operators } = condition;
    const value = this.value(question, place);
    const [operator = '', operand] = Object.entries(operators)[0] ?? [];
    if (operator === 'answered') return (value !== null) === operand;
    const other =
      operand !== null && typeof operand === 'object' && 'question' in operand
        ? this.value((operand as { question: string }).question, place)
        : (operand as AnswerValue);
    if (value === null || other === null) return null;
    return COMPARE[operator]?.(value, other) ?? null;
  }

  /** The answer that counts here; null where there is none, or the question is not asked. */
  private value(code: string, place: Place): AnswerValue {
    const question = this.questions.get(code);
    const target = question && place.targets[levelOf(question)];
    if (!question || target === undefined || !this.isAsked(question, target)) return null;
    return this.answer(code, target);
  }
}
