/** What changed from one version of a label schema to another, part by part; and two changes put together. */

import { t } from '../../strings';
import type { MarkKind } from '../../viewer/types';
import { choicesOf } from '../reading-room/form';
import type { Condition, Picture, Question, Rule, Term } from '../reading-room/types';
import { sentenceOf } from './conditions';
import { type ClassOf, type Document, type ListName, listOf } from './document';

export interface Detail {
  field: string;
  from: string;
  to: string;
}
export interface Change {
  kind: 'added' | 'removed' | 'changed' | 'moved';
  list: ListName | 'schema';
  code: string;
  name: string;
  details: Detail[];
}

const LISTS: readonly ListName[] = ['classes', 'questions', 'rules'];
type Item = ClassOf | Question | Rule;
type Facts = Record<string, string>;

export const same = (one: unknown, other: unknown): boolean => stable(one) === stable(other);

/** JSON in which the order of names and what says nothing make no difference. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (!inner || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    const said = Object.entries(inner).filter(
      ([, one]) => one !== undefined && one !== null && one !== false,
    );
    return Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export const nameOf = (item: Item): string =>
  ('name' in item ? item.name : 'text' in item ? item.text : item.message) || item.code;

export function differences(before: Document, after: Document): Change[] {
  const whole = detailed(factsOfWhole(before), factsOfWhole(after));
  return [
    ...(whole.length
      ? [{ kind: 'changed', list: 'schema', code: '', name: t('schema.whole'), details: whole } as Change]
      : []),
    ...LISTS.flatMap((list) => inList(list, before, after)),
  ];
}

function inList(list: ListName, before: Document, after: Document): Change[] {
  const old = new Map<string, Item>(listOf(before, list).map((one) => [one.code, one]));
  const now = new Map<string, Item>(listOf(after, list).map((one) => [one.code, one]));
  const stay = (items: Map<string, Item>, others: Map<string, Item>) =>
    [...items.keys()].filter((code) => others.has(code));
  const was = stay(old, now);
  const is = stay(now, old);
  const changes: Change[] = [...old.values()]
    .filter(({ code }) => !now.has(code))
    .map((one) => ({ kind: 'removed', list, code: one.code, name: nameOf(one), details: [] }));
  for (const [code, one] of now) {
    const earlier = old.get(code);
    const say = (kind: Change['kind'], details: Detail[] = []) =>
      changes.push({ kind, list, code, name: nameOf(one), details });
    if (!earlier) say('added', list === 'classes' ? [] : detailed({}, said(one, after)));
    else if (!same(earlier, one)) say('changed', detailed(facts(earlier, before), facts(one, after)));
  }
  for (const code of outOfOrder(was, is)) {
    const one = now.get(code) as Item;
    const detail = {
      field: t('schema.place'),
      from: String(was.indexOf(code) + 1),
      to: String(is.indexOf(code) + 1),
    };
    changes.push({ kind: 'moved', list, code, name: nameOf(one), details: [detail] });
  }
  return changes;
}

/** The fewest items that were moved: those outside the longest run that kept its order. */
function outOfOrder(was: readonly string[], is: readonly string[]): string[] {
  const places = is.map((code) => was.indexOf(code));
  const best: { length: number; from: number }[] = [];
  let end = -1;
  places.forEach((place, at) => {
    let length = 1;
    let from = -1;
    for (let earlier = 0; earlier < at; earlier++) {
      const run = best[earlier]?.length ?? 0;
      if ((places[earlier] ?? 0) < place && run + 1 > length) [length, from] = [run + 1, earlier];
    }
    best.push({ length, from });
    if (end < 0 || length > (best[end]?.length ?? 0)) end = at;
  });
  const kept = new Set<number>();
  for (let at = end; at >= 0; at = best[at]?.from ?? -1) kept.add(at);
  return is.filter((_, at) => !kept.has(at));
}

/** All that is said of an item beside its name. */
function said(item: Item, document: Document): Facts {
  const all = facts(item, document);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== nameOf(item)));
}

function detailed(before: Facts, after: Facts): Detail[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return fields
    .map((field) => ({ field, from: before[field] ?? '', to: after[field] ?? '' }))
    .filter(({ from, to }) => from !== to);
}

const term = (one: Term | null | undefined): string =>
  one ? `${one.display} (${one.system} ${one.code})` : '';
const pictures = (all: readonly Picture[] | undefined): string =>
  (all ?? []).map(({ alt, caption }) => [alt, caption].filter(Boolean).join(': ')).join(' · ');
const kinds = (all: readonly MarkKind[] | undefined): string =>
  (all ?? []).map((kind) => t(`mark.${kind}`)).join(', ');
const when = (condition: Condition | null | undefined, document: Document): string =>
  condition ? sentenceOf(condition, document) : '';
const yes = (holds: boolean | undefined): string => (holds ? t('schema.yes') : '');

function factsOfWhole(document: Document): Facts {
  return {
    [t('schema.kinds')]: kinds(document.marks),
    [t('schema.requiredKinds')]: kinds(document.required_marks),
    [t('schema.guideline')]: document.guideline ?? '',
    [t('schema.pictures')]: pictures(document.pictures),
  };
}

function facts(item: Item, document: Document): Facts {
  if ('colour' in item) return factsOfClass(item);
  return 'text' in item ? factsOfQuestion(item, document) : factsOfRule(item, document);
}

const factsOfClass = (one: ClassOf): Facts => ({
  [t('schema.name')]: one.name,
  [t('schema.colour')]: one.colour,
  [t('schema.value')]: String(one.value),
  [t('schema.landmarks')]: (one.landmarks ?? []).join(', '),
  [t('schema.kinds')]: one.marks ? kinds(one.marks) || t('schema.noKinds') : t('schema.allKinds'),
  [t('schema.term')]: term(one.term),
  [t('schema.category')]: one.category ? t(`schema.category.${one.category}`) : '',
});

function factsOfQuestion(one: Question, document: Document): Facts {
  const value = (said: unknown) =>
    choicesOf(one).find((choice) => choice.value === said)?.label ?? String(said);
  const proposed = one.default == null ? [] : [one.default].flat();
  return {
    [t('schema.text')]: one.text,
    [t('schema.type')]: t(`schema.type.${one.type}`),
    [t('schema.level')]: t(`schema.level.${one.level ?? 'case'}`),
    [t('schema.ofClasses')]: (one.classes ?? [])
      .map((code) => listOf(document, 'classes').find((label) => label.code === code)?.name ?? code)
      .join(', '),
    [t('schema.required')]: yes(one.required),
    [t('schema.options')]: (one.options ?? [])
      .map(({ value: code, label, key, term: coded, description }) =>
        [`${label} (${code}${key ? `, ${key}` : ''})`, term(coded), description].filter(Boolean).join(' '),
      )
      .join(' · '),
    [t('schema.range')]: [one.min ?? '', one.max ?? ''].join(' – ').replace(/^ – $/, ''),
    [t('schema.step')]: String(one.step ?? ''),
    [t('schema.unit')]: one.unit ?? '',
    [t('schema.default')]: proposed.map(value).join(', '),
    [t('schema.showIf')]: when(one.show_if, document),
    [t('schema.guideline')]: one.guideline ?? '',
    [t('schema.pictures')]: pictures(one.pictures),
    [t('schema.term')]: term(one.term),
  };
}

const factsOfRule = (one: Rule, document: Document): Facts => ({
  [t('schema.message')]: one.message,
  [t('schema.holdsFor')]: t(`schema.level.${one.level ?? 'case'}`),
  [t('schema.if')]: when(one.if, document),
  [t('schema.then')]: when(one.then, document),
});

export interface Merged {
  document: Document;
  /** Parts that both changed, each in another way: mine stands. */
  clashes: string[];
}

/** Both changes of `base` in one; of what both changed differently, mine. */
export function merged(base: Document, mine: Document, theirs: Document): Merged {
  const clashes: string[] = [];
  const pick = <T>(was: T, my: T, their: T, name: string): T => {
    if (same(my, was)) return their;
    if (!same(their, was) && !same(my, their)) clashes.push(name);
    return my;
  };
  const document: Document = {};
  for (const name of ['marks', 'required_marks', 'guideline', 'pictures'] as const) {
    const value = pick(base[name], mine[name], theirs[name], t(`schema.part.${name}`));
    if (value !== undefined) Object.assign(document, { [name]: value });
  }
  for (const list of LISTS) Object.assign(document, { [list]: mergedList(list, base, mine, theirs, pick) });
  return { document, clashes };
}

function mergedList(
  list: ListName,
  base: Document,
  mine: Document,
  theirs: Document,
  pick: <T>(was: T, my: T, their: T, name: string) => T,
): Item[] {
  const by = (document: Document) =>
    new Map<string, Item>(listOf(document, list).map((one) => [one.code, one]));
  const [was, my, their] = [by(base), by(mine), by(theirs)];
  const kept = new Set([...my.keys(), ...their.keys()]);
  const orderIsTheirs = same([...my.keys()], [...was.keys()]);
  const order = orderIsTheirs ? [...their.keys(), ...my.keys()] : [...my.keys(), ...their.keys()];
  return [...new Set(order)]
    .filter((code) => kept.has(code))
    .flatMap((code) => {
      const some = (my.get(code) ?? their.get(code)) as Item;
      const chosen = pick(was.get(code), my.get(code), their.get(code), nameOf(some));
      return chosen ? [chosen] : [];
    });
}
