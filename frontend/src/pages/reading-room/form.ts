/**
 * The form of a label schema: what can be chosen, what is wrong with an answer, what still blocks the
 * submission. The server checks the same again (annotation/content.py); this only says it earlier.
 */

import { t } from '../../strings';
import { faultsOf } from '../../viewer/landmarks';
import type { Answer, AnswerValue, Content, LabelClass, Mark, Option } from '../../viewer/types';
import { CASE, type Form, levelOf, type Place, targetOf } from './conditions';
import type { Choice, Condition, Question } from './types';

/** One thing that must be done before the reading can be submitted, and where. */
export interface Block {
  text: string;
  /** The question to go to; null where there is none. */
  question: string | null;
  place: Place;
}

const EXACT_INTEGERS = 2 ** 53;
const STEP_TOLERANCE = 1e-6;
const LONGEST_TEXT = 10_000;

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

/** What the schema proposes and the reader has not confirmed; it is no answer until then. */
export function proposalOf(question: Question, value: AnswerValue): AnswerValue {
  return value === null ? (question.default ?? null) : null;
}

/** Why a value does not answer the question; '' if it does, or if there is none. */
export function faultOf(question: Question, value: AnswerValue): string {
  if (value === null) return '';
  switch (question.type) {
    case 'multichoice':
      return faultOfSeveral(question, value);
    case 'number':
      return faultOfNumber(question, value);
    case 'date':
      return isDay(value) ? '' : t('form.date');
    case 'text':
      return faultOfText(value);
    default:
      return choicesOf(question).some((choice) => choice.value === value) ? '' : t('form.choose');
  }
}

function faultOfSeveral(question: Question, value: AnswerValue): string {
  const offered = choicesOf(question).map((choice) => choice.value);
  const fits = Array.isArray(value) && value.length > 0 && value.every((one) => offered.includes(one));
  return fits && new Set(value).size === value.length ? '' : t('form.choose');
}

function faultOfNumber(question: Question, value: AnswerValue): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return t('form.number');
  const { min, max, step, unit = '' } = question;
  if (value >= (min ?? -EXACT_INTEGERS) && value <= (max ?? EXACT_INTEGERS)) {
    const steps = step ? (value - (min ?? 0)) / step : 0;
    return Math.abs(steps - Math.round(steps)) <= STEP_TOLERANCE
      ? ''
      : t('form.step', { step: step ?? 0, low: min ?? 0 });
  }
  if (max === undefined && min === undefined) return t('form.number');
  if (max === undefined) return t('form.atLeast', { low: min ?? 0, unit });
  return min === undefined
    ? t('form.atMost', { high: max, unit })
    : t('form.between', { low: min, high: max, unit });
}

function faultOfText(value: AnswerValue): string {
  if (typeof value !== 'string' || !value.trim()) return t('form.write');
  return [...value].length > LONGEST_TEXT ? t('form.long') : '';
}

function isDay(value: AnswerValue): boolean {
  if (typeof value !== 'string' || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !value.startsWith('0000') && !Number.isNaN(+day) && day.toISOString().startsWith(value);
}

/** Everything that blocks the submission, in the order of the form: case, series, images, marks, rules. */
export function blocks(form: Form, marks: readonly Mark[]): Block[] {
  const { places, schema } = form;
  const onImages = [...places.series, ...places.frame];
  return [
    ...blocksAt(form, CASE),
    ...(schema.required_marks ?? [])
      .filter((kind) => !marks.some((mark) => mark.kind === kind))
      .map((kind): Block => ({
        text: kind === 'labelmap' ? t('form.paint') : t('form.draw', { kind: t(`mark.${kind}`) }),
        question: null,
        place: CASE,
      })),
    ...(schema.classes ?? []).flatMap((label) => landmarkBlocks(form, label, marks)),
    ...onImages.flatMap((place) => blocksAt(form, place)),
    ...places.mark.flatMap((place) => blocksAt(form, place)),
    ...form.broken().map(({ rule, place }): Block => ({
      text: rule.message,
      ...(cause(form, rule.then, place) ?? cause(form, rule.if, place) ?? { question: null, place }),
    })),
  ];
}

function landmarkBlocks(form: Form, label: LabelClass, marks: readonly Mark[]): Block[] {
  const required = (form.schema.required_marks ?? []).includes('landmark');
  return faultsOf(label, marks, required).map(({ fault, uid, name }) => ({
    text: t(`landmarks.${fault}`, { name, label: label.name }),
    question: null,
    place: form.place('mark', uid) ?? CASE,
  }));
}

function blocksAt(form: Form, place: Place): Block[] {
  return form.askedAt(place).flatMap((question) => {
    const value = form.answer(question.code, targetOf(place));
    const fault = faultOf(question, value);
    const unconfirmed = proposalOf(question, value) !== null;
    const here = { question: question.code, place };
    if (fault) return [{ text: `${question.text} ${fault}`, ...here }];
    if (!question.required || value !== null) return [];
    return [{ text: unconfirmed ? `${question.text} ${t('form.proposed')}` : question.text, ...here }];
  });
}

/** The first question of a condition that the reader can answer differently from here. */
function cause(
  form: Form,
  condition: Condition | null | undefined,
  place: Place,
): Pick<Block, 'question' | 'place'> | null {
  for (const code of questionsNamed(condition)) {
    const question = form.question(code);
    const target = question && place.targets[levelOf(question)];
    if (!question || target === undefined || !form.isAsked(question, target)) continue;
    const at = form.place(levelOf(question), target);
    if (at) return { question: code, place: at };
  }
  return null;
}

function questionsNamed(condition: Condition | null | undefined): string[] {
  if (!condition) return [];
  const { question, all = [], any = [], not, where } = condition;
  const inner = [...all, ...any, ...(not ? [not] : []), ...(where ? [where] : [])];
  return [...(question ? [question] : []), ...inner.flatMap(questionsNamed)];
}

/** One line for the same question left on several series, images or marks: the first, and how many more. */
export function grouped(left: readonly Block[]): { block: Block; more: number }[] {
  const lines = new Map<string, { block: Block; more: number }>();
  for (const block of left) {
    const key = `${block.question} ${block.place.level} ${block.text}`;
    const line = lines.get(key);
    if (line) line.more += 1;
    else lines.set(key, { block, more: 0 });
  }
  return [...lines.values()];
}

/** The answers that count: those to questions that are asked, about things that exist. */
export function countingAnswers(form: Form, given: readonly Answer[]): Answer[] {
  return given.filter(({ question: code, target }) => {
    const question = form.question(code);
    return question !== undefined && form.isAsked(question, target);
  });
}

/** A fresh reading has no answer: what the schema proposes is the reader's only once it is confirmed. */
export const freshContent = (): Content => ({ answers: [], marks: [] });
