/** A label schema as it is edited: what a new part holds, and how one is changed without breaking another. */

import type { LabelSchema as StoredSchema } from '../../api/types';
import type { LabelClass, MarkKind, Option } from '../../viewer/types';
import { codeFor } from '../hanging/protocols';
import type { Choice, Condition, LabelSchema, Level, Question, Rule, Term } from '../reading-room/types';

export type Category = 'anatomy' | 'tissue' | 'abnormality' | 'object' | 'substance';
export interface ClassOf extends LabelClass {
  term?: Term | null;
  category?: Category;
}
export interface Document extends Omit<LabelSchema, 'classes'> {
  classes?: ClassOf[];
}

/** As the API's types describe it, to which a condition is any object. */
export const toSend = (document: Document): StoredSchema['document'] =>
  document as unknown as StoredSchema['document'];

export const LEVELS: readonly Level[] = ['case', 'series', 'frame', 'mark'];
export const TYPES = ['choice', 'multichoice', 'scale', 'number', 'text', 'date'] as const;
export const CATEGORIES: readonly Category[] = ['anatomy', 'tissue', 'abnormality', 'object', 'substance'];
export type ListName = 'classes' | 'questions' | 'rules';
type Items = { classes: ClassOf; questions: Question; rules: Rule };
export type ItemOf<L extends ListName> = Items[L];

/** Told apart by those who do not see all hues: Okabe and Ito's, lightened for a dark ground, and two more. */
export const PALETTE = [
  '#e69f00', '#56b4e9', '#2fb68f', '#f0e442', '#4f9bd9', '#ee7d45', '#d98bb9', '#c8ccd2', '#a1d76a', '#b79cff',
] as const; // prettier-ignore

export const listOf = <L extends ListName>(document: Document, list: L): Items[L][] =>
  (document[list] ?? []) as Items[L][];

const codesOf = (items: readonly { code: string }[]): string[] => items.map(({ code }) => code);

export const withList = <L extends ListName>(document: Document, list: L, items: Items[L][]): Document => ({
  ...document,
  [list]: items,
});

export function replaced<L extends ListName>(
  document: Document,
  list: L,
  index: number,
  item: Items[L],
): Document {
  return withList(document, list, listOf(document, list).with(index, item));
}

/** From one place to another; the others close up. */
export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const item = items[from];
  if (item === undefined || to < 0 || to >= items.length) return [...items];
  return items.toSpliced(from, 1).toSpliced(to, 0, item);
}

/** Without what says nothing, so that a cleared field is no statement. */
export function tidy<T extends object>(item: T): T {
  const kept = Object.entries(item).filter(
    ([, value]) => value !== undefined && value !== null && value !== false,
  );
  return Object.fromEntries(kept) as T;
}

export function newClass(document: Document, name: string): ClassOf {
  const classes = listOf(document, 'classes');
  const values = new Set(classes.map(({ value }) => value));
  let value = 1;
  while (values.has(value)) value++;
  const used = classes.map(({ colour }) => colour.toLowerCase());
  const colour =
    PALETTE.find((one) => !used.includes(one)) ?? (PALETTE[classes.length % PALETTE.length] as string);
  return { code: codeFor(name, codesOf(classes)), name, colour, value };
}

/** One name on each line; nothing where there is none. */
export function namesIn(lines: string): string[] | undefined {
  const names = lines.split('\n').map((line) => line.trim());
  const written = names.filter((name) => name !== '');
  return written.length ? written : undefined;
}

/** One class for each line; `kinds` leaves them the project's where it is undefined. */
export function withClasses(document: Document, names: readonly string[], kinds?: MarkKind[]): Document {
  return names.reduce((before, name) => {
    const added = newClass(before, name);
    const item = kinds ? { ...added, marks: kinds } : added;
    return withList(before, 'classes', [...listOf(before, 'classes'), item]);
  }, document);
}

/** One class whose points are named, in that order; the project takes single points from then on. */
export function withLandmarkSet(document: Document, name: string, landmarks: readonly string[]): Document {
  const kinds = document.marks ?? [];
  const known = kinds.includes('landmark') ? document : withKinds(document, [...kinds, 'landmark']);
  const set = { ...newClass(known, name), marks: ['landmark' as const], landmarks: [...landmarks] };
  return withList(known, 'classes', [...listOf(known, 'classes'), set]);
}

export function newQuestion(document: Document, text: string): Question {
  return {
    code: codeFor(text, codesOf(listOf(document, 'questions'))),
    text,
    type: 'choice',
    options: [
      { value: 'no', label: 'No' },
      { value: 'yes', label: 'Yes' },
    ],
  };
}

export function newRule(document: Document, code: string): Rule {
  const first = listOf(document, 'questions')[0];
  return {
    code: codeFor(code, codesOf(listOf(document, 'rules'))),
    then: { question: first?.code ?? '', answered: true },
    message: '',
  };
}

export function newOption(question: Question, label: string): Choice {
  const options = question.options ?? [];
  const numbers = options.map(({ value }) => value).filter((value) => typeof value === 'number');
  const counts = options.length > 0 ? numbers.length === options.length : question.type === 'scale';
  const value: Option = counts
    ? Math.max(0, ...numbers) + 1
    : codeFor(
        label,
        options.map((one) => String(one.value)),
      );
  return { value, label };
}

/** As another type: what the new one does not have is gone. */
export function retyped(question: Question, type: Question['type']): Question {
  const { options, min, max, step, unit, default: proposed, ...rest } = question;
  void proposed;
  const next: Question = { ...rest, type };
  const chooses = type === 'choice' || type === 'multichoice';
  if (chooses) next.options = options?.length ? options : newQuestion({}, '').options;
  if (type === 'scale' && options?.length) next.options = options;
  else if (type === 'scale') Object.assign(next, { min: 1, max: 5 });
  if (type === 'number') Object.assign(next, tidy({ min, max, step, unit: unit || undefined }));
  return next;
}

export function duplicated<L extends ListName>(document: Document, list: L, index: number): Document {
  const items = listOf(document, list);
  const item = items[index];
  if (!item) return document;
  const copy = { ...item, code: codeFor(item.code, codesOf(items)) };
  if ('value' in copy) copy.value = newClass(document, '').value;
  return withList(document, list, items.toSpliced(index + 1, 0, copy));
}

/** With every part of every condition changed by `change`, from the inside out. */
function mapped(condition: Condition, change: (one: Condition) => Condition): Condition {
  const inner = { ...condition };
  if (inner.all) inner.all = inner.all.map((one) => mapped(one, change));
  if (inner.any) inner.any = inner.any.map((one) => mapped(one, change));
  if (inner.not) inner.not = mapped(inner.not, change);
  if (inner.where) inner.where = mapped(inner.where, change);
  return change(inner);
}

function everyCondition(document: Document, change: (one: Condition) => Condition): Document {
  const next = { ...document };
  if (document.questions)
    next.questions = document.questions.map((question) =>
      question.show_if ? { ...question, show_if: mapped(question.show_if, change) } : question,
    );
  if (document.rules)
    next.rules = document.rules.map((rule) => ({
      ...rule,
      ...(rule.if ? { if: mapped(rule.if, change) } : {}),
      then: mapped(rule.then, change),
    }));
  return next;
}

/** A question under another code; conditions and rules that name it go along. */
export function recodedQuestion(document: Document, index: number, code: string): Document {
  const before = listOf(document, 'questions')[index];
  if (!before) return document;
  const renamed = replaced(document, 'questions', index, { ...before, code });
  const shared = listOf(document, 'questions').filter((one) => one.code === before.code).length > 1;
  if (shared || !before.code) return renamed;
  return everyCondition(renamed, (one) => {
    const next = { ...one };
    if (next.question === before.code) next.question = code;
    for (const [name, operand] of Object.entries(next)) {
      const compared = operand && typeof operand === 'object' && !Array.isArray(operand) ? operand : null;
      if (compared && Object.keys(compared).length === 1 && compared.question === before.code)
        Object.assign(next, { [name]: { question: code } });
    }
    return next;
  });
}

/** A class under another code; conditions that name it go along. */
export function recodedClass(document: Document, index: number, code: string): Document {
  const before = listOf(document, 'classes')[index];
  if (!before) return document;
  const renamed = replaced(document, 'classes', index, { ...before, code });
  const shared = listOf(document, 'classes').filter((one) => one.code === before.code).length > 1;
  if (shared || !before.code) return renamed;
  const asked = listOf(renamed, 'questions').map((question) =>
    question.classes
      ? { ...question, classes: question.classes.map((one) => (one === before.code ? code : one)) }
      : question,
  );
  const next = renamed.questions ? withList(renamed, 'questions', asked) : renamed;
  return everyCondition(next, (one) => (one.class === before.code ? { ...one, class: code } : one));
}

/** An option with another value; the proposal and conditions that name it go along. */
export function revaluedOption(document: Document, index: number, at: number, value: Option): Document {
  const question = listOf(document, 'questions')[index];
  const before = question?.options?.[at];
  if (!question || !before) return document;
  const swap = (one: unknown) => (one === before.value ? value : one);
  const next = { ...question, options: (question.options ?? []).with(at, { ...before, value }) };
  const { default: proposed } = question;
  if (proposed != null)
    next.default = (Array.isArray(proposed) ? proposed.map(swap) : swap(proposed)) as Option | Option[];
  return everyCondition(replaced(document, 'questions', index, next), (one) => {
    if (one.question !== question.code) return one;
    const changed: Condition = { ...one };
    if ('equals' in one) changed.equals = swap(one.equals) as Option;
    if ('not_equals' in one) changed.not_equals = swap(one.not_equals) as Option;
    if (one.any_of) changed.any_of = one.any_of.map(swap) as Option[];
    return changed;
  });
}

/** With these kinds of mark; what a class or a requirement named beyond them is gone. */
export function withKinds(document: Document, marks: readonly MarkKind[]): Document {
  const within = (kinds: readonly MarkKind[]) => kinds.filter((kind) => marks.includes(kind));
  return {
    ...document,
    marks: [...marks],
    required_marks: within(document.required_marks ?? []),
    classes: listOf(document, 'classes').map((one) =>
      one.marks ? { ...one, marks: within(one.marks) } : one,
    ),
  };
}

/** Questions and rules whose conditions look at that question. */
export function dependants(document: Document, code: string): string[] {
  const names = (condition: Condition | null | undefined) =>
    !!condition && JSON.stringify(condition).includes(`"question":${JSON.stringify(code)}`);
  return [
    ...listOf(document, 'questions')
      .filter((one) => one.code !== code && names(one.show_if))
      .map(({ text }) => text),
    ...listOf(document, 'rules')
      .filter((one) => names(one.if) || names(one.then))
      .map(({ code: rule }) => rule),
  ];
}

export const asksNothing = (document: Document): boolean =>
  !document.questions?.length && !document.marks?.length;
