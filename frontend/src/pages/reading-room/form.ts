/**
 * The form of a label schema: which questions are asked, what is wrong with an answer, what still blocks
 * the submission. The server checks the same rules again; this only says them earlier.
 */

import { t } from '../../strings';
import type { Answer, AnswerValue, Content, Mark, Option } from '../../viewer/types';
import type { Choice, LabelSchema, Question } from './types';

export interface Answers {
  answer(question: string, target?: string): AnswerValue;
}

/** One thing that must be done before the reading can be submitted, and where. */
export interface Block {
  text: string;
  question: string | null;
  target: string;
}

export const levelOf = (question: Question): string => question.level ?? 'case';

/** The options to choose from; a scale without options counts from its minimum to its maximum. */
export function choicesOf(question: Question): Choice[] {
  if (question.options?.length) return question.options;
  if (question.type !== 'scale') return [];
  const low = question.min ?? 0;
  return Array.from({ length: (question.max ?? low) - low + 1 }, (_, i) => ({
    value: low + i,
    label: String(low + i),
  }));
}

/** The option that a digit or letter chooses: by its own key, else by its place where none has a key. */
export function choiceByKey(question: Question, key: string): Choice | null {
  const choices = choicesOf(question);
  if (choices.some((choice) => choice.key)) return choices.find((choice) => choice.key === key) ?? null;
  const place = Number(key);
  return Number.isInteger(place) && place >= 1 ? (choices[place - 1] ?? null) : null;
}

/** The key shown beside an option; '' where it has none. */
export function keyOfChoice(question: Question, choice: Choice): string {
  const choices = choicesOf(question);
  if (choices.some((one) => one.key)) return choice.key ?? '';
  const place = choices.indexOf(choice) + 1;
  return place <= 9 ? String(place) : '';
}

/** The answer after an option was picked: several can be chosen of a multiple choice, each on and off. */
export function chosen(question: Question, before: AnswerValue, option: Option): AnswerValue {
  if (question.type !== 'multichoice') return option;
  const several = Array.isArray(before) ? before : [];
  return several.includes(option) ? several.filter((one) => one !== option) : [...several, option];
}

function includes(value: AnswerValue, wanted: Option): boolean {
  return Array.isArray(value) ? value.includes(wanted) : value === wanted;
}

/** Whether the answers given so far lead to this question. */
export function isAsked(schema: LabelSchema, question: Question, answers: Answers, target = ''): boolean {
  const condition = question.show_if;
  if (!condition) return true;
  const before = schema.questions?.find(({ code }) => code === condition.question);
  if (!before) return true;
  const place = levelOf(before) === 'case' ? '' : target;
  return (
    includes(answers.answer(before.code, place), condition.equals) && isAsked(schema, before, answers, place)
  );
}

export function askedOf(
  schema: LabelSchema,
  level: 'case' | 'mark',
  answers: Answers,
  target = '',
): Question[] {
  return (schema.questions ?? []).filter(
    (question) => levelOf(question) === level && isAsked(schema, question, answers, target),
  );
}

function numberFault(question: Question, value: AnswerValue): string {
  const low = question.min ?? Number.NEGATIVE_INFINITY;
  const high = question.max ?? Number.POSITIVE_INFINITY;
  if (typeof value !== 'number' || !Number.isFinite(value)) return t('form.number');
  if (value >= low && value <= high) return '';
  const unit = question.unit ?? '';
  if (high === Number.POSITIVE_INFINITY) return t('form.atLeast', { low, unit });
  return low === Number.NEGATIVE_INFINITY
    ? t('form.atMost', { high, unit })
    : t('form.between', { low, high, unit });
}

/** Why a value does not answer the question; '' if it does, or if there is none. */
export function faultOf(question: Question, value: AnswerValue): string {
  if (value === null) return '';
  if (question.type === 'number') return numberFault(question, value);
  if (question.type === 'date') return /^\d{4}-\d{2}-\d{2}$/.test(String(value)) ? '' : t('form.date');
  return '';
}

/** Everything that blocks the submission, in the order of the form. */
export function blocks(schema: LabelSchema, answers: Answers, marks: readonly Mark[]): Block[] {
  const found: Block[] = [];
  const check = (question: Question, target: string) => {
    const value = answers.answer(question.code, target);
    const fault = faultOf(question, value);
    if (fault) found.push({ text: `${question.text} ${fault}`, question: question.code, target });
    else if (question.required && value === null)
      found.push({ text: question.text, question: question.code, target });
  };
  for (const question of askedOf(schema, 'case', answers)) check(question, '');
  for (const kind of schema.required_marks ?? []) {
    if (marks.some((mark) => mark.kind === kind)) continue;
    found.push({
      text: kind === 'labelmap' ? t('form.paint') : t('form.draw', { kind: t(`mark.${kind}`) }),
      question: null,
      target: '',
    });
  }
  for (const mark of marks) {
    for (const question of askedOf(schema, 'mark', answers, mark.tracking_uid))
      check(question, mark.tracking_uid);
  }
  return found;
}

/** The answers that count: those to questions that are asked, about things that exist. */
export function countingAnswers(
  schema: LabelSchema,
  given: readonly Answer[],
  answers: Answers,
  marks: readonly Mark[],
): Answer[] {
  const uids = new Set(marks.map((mark) => mark.tracking_uid));
  return given.filter(({ question: code, target }) => {
    const question = schema.questions?.find((one) => one.code === code);
    if (!question || (target && !uids.has(target) && levelOf(question) === 'mark')) return false;
    return isAsked(schema, question, answers, target);
  });
}

/** What a fresh reading starts with: the schema's defaults. */
export function freshContent(schema: LabelSchema): Content {
  const answers = (schema.questions ?? [])
    .filter((question) => levelOf(question) === 'case' && question.default != null)
    .map((question) => ({ question: question.code, target: '', value: question.default as AnswerValue }));
  return { answers, marks: [] };
}
