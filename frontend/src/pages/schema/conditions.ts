/** Conditions as they are built by choosing, and as a sentence. What they mean: ../reading-room/conditions.ts. */

import { t, word } from '../../strings';
import type { Option } from '../../viewer/types';
import { levelOf } from '../reading-room/conditions';
import { choicesOf } from '../reading-room/form';
import type { Condition, Level, Question } from '../reading-room/types';
import { type Document, LEVELS, listOf } from './document';

export const SHAPES = ['question', 'all', 'any', 'not', 'some'] as const;
export type Shape = (typeof SHAPES)[number];
export const OPERATORS = [
  'equals', 'not_equals', 'any_of', 'answered', 'below', 'at_most', 'above', 'at_least',
] as const; // prettier-ignore
export type Operator = (typeof OPERATORS)[number];
const ORDERED: readonly Operator[] = ['below', 'at_most', 'above', 'at_least'];

export const shapeOf = (condition: Condition): Shape =>
  SHAPES.find((shape) => shape in condition) ?? 'question';
export const operatorOf = (condition: Condition): Operator =>
  OPERATORS.find((name) => name in condition) ?? 'answered';

/** Those that a condition on that level may look at. */
export const inSight = (document: Document, level: Level): Question[] =>
  listOf(document, 'questions').filter((one) => LEVELS.indexOf(levelOf(one)) <= LEVELS.indexOf(level));

export const finer = (level: Level): Level[] => LEVELS.slice(LEVELS.indexOf(level) + 1);

const isOrdered = (question: Question): boolean =>
  question.type === 'number' ||
  question.type === 'date' ||
  (question.type === 'scale' && choicesOf(question).every(({ value }) => typeof value === 'number'));

export function operatorsFor(question: Question | undefined): readonly Operator[] {
  if (!question) return OPERATORS;
  const chooses = choicesOf(question).length > 0;
  return OPERATORS.filter((name) => {
    if (name === 'answered') return true;
    if (name === 'any_of') return chooses;
    return ORDERED.includes(name) ? isOrdered(question) : true;
  });
}

/** What that operator is compared with at first. */
function operandFor(question: Question | undefined, operator: Operator): unknown {
  const first = question && choicesOf(question)[0]?.value;
  if (operator === 'answered') return true;
  if (operator === 'any_of') return first === undefined ? [] : [first];
  if (first !== undefined) return first;
  if (question?.type === 'number') return question.min ?? 0;
  return question?.type === 'date' ? '2000-01-01' : '';
}

export function comparison(question: Question | undefined, operator: Operator): Condition {
  return { question: question?.code ?? '', [operator]: operandFor(question, operator) };
}

/** A first condition of a question or a rule: on the question nearest before it, else on any in sight. */
export function firstCondition(document: Document, level: Level, before?: string): Condition {
  const seen = inSight(document, level);
  const at = seen.findIndex(({ code }) => code === before);
  const question = seen[at > 0 ? at - 1 : at === 0 ? 1 : seen.length - 1];
  return comparison(question, question && choicesOf(question).length ? 'equals' : 'answered');
}

/** In another shape, keeping what was said as its first part. */
export function reshaped(condition: Condition, shape: Shape, document: Document, level: Level): Condition {
  const parts = condition.all ?? condition.any ?? (condition.not ? [condition.not] : [condition]);
  const kept = shapeOf(condition) === 'some' && shape === 'question' ? [] : parts;
  switch (shape) {
    case 'all':
    case 'any':
      return { [shape]: kept };
    case 'not':
      return { not: kept.length === 1 && kept[0] ? kept[0] : { all: kept } };
    case 'some':
      return { some: finer(level).at(-1) ?? 'mark' };
    case 'question':
      return kept.find((one) => shapeOf(one) === 'question') ?? firstCondition(document, level);
  }
}

const labelOf = (question: Question | undefined, value: unknown): string => {
  const choice = question && choicesOf(question).find((one) => one.value === (value as Option));
  return choice ? choice.label : `${String(value)}${question?.unit ? ` ${question.unit}` : ''}`;
};

const quoted = (name: string): string => t('schema.quoted', { name });

/** The condition in words: “Is there a finding?” is “Yes”. */
export function sentenceOf(condition: Condition, document: Document): string {
  const all = (parts: readonly Condition[], by: string) =>
    parts
      .map((one) => (one.all || one.any ? `(${sentenceOf(one, document)})` : sentenceOf(one, document)))
      .join(by);
  if (condition.all) return all(condition.all, ` ${t('schema.and')} `);
  if (condition.any) return all(condition.any, ` ${t('schema.or')} `);
  if (condition.not) return t('schema.notSaid', { what: sentenceOf(condition.not, document) });
  if (condition.some) return sentenceOfSome(condition, document);
  const question = listOf(document, 'questions').find(({ code }) => code === condition.question);
  const operator = operatorOf(condition);
  const operand: unknown = condition[operator];
  const name = quoted(question?.text || condition.question || '?');
  if (operator === 'answered')
    return t(operand === false ? 'schema.isUnanswered' : 'schema.isAnswered', { name });
  return `${name} ${word('compare', operator)} ${operandSaid(question, operand, document)}`;
}

function operandSaid(question: Question | undefined, operand: unknown, document: Document): string {
  if (Array.isArray(operand)) return operand.map((one) => quoted(labelOf(question, one))).join(', ');
  if (operand && typeof operand === 'object' && 'question' in operand) {
    const other = listOf(document, 'questions').find(({ code }) => code === operand.question);
    return quoted(other?.text || String(operand.question));
  }
  return quoted(labelOf(question, operand));
}

export const thingOf = (level: Level = 'mark'): string =>
  level === 'case' ? t('schema.level.case') : t(`schema.thing.${level}`);

function sentenceOfSome(condition: Condition, document: Document): string {
  const label = listOf(document, 'classes').find(({ code }) => code === condition.class);
  const what = [
    label?.name ?? condition.class,
    condition.kind && t(`mark.${condition.kind}`),
    !condition.kind && thingOf(condition.some),
  ];
  const such = t('schema.someSaid', { what: what.filter(Boolean).join(' ') });
  return condition.where ? `${such}: ${sentenceOf(condition.where, document)}` : such;
}
