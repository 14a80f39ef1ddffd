/** Whether the form of a half-written schema can be shown at all: nothing twice, nothing without end. */

import type { Condition } from '../reading-room/types';
import { type Document, listOf } from './document';

const isOnce = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

export function previewable(document: Document): boolean {
  const questions = listOf(document, 'questions');
  const codes = [listOf(document, 'classes'), questions, listOf(document, 'rules')];
  return (
    codes.every((items) => isOnce(items.map(({ code }) => code))) &&
    questions.every(
      ({ type, options = [], pictures = [], min = 0, max = 0 }) =>
        isOnce(options.map(({ value }) => value)) &&
        isOnce(pictures.map(({ picture }) => picture)) &&
        (type !== 'scale' || options.length > 0 || (max >= min && max - min <= 100)),
    ) &&
    isOnce((document.pictures ?? []).map(({ picture }) => picture)) &&
    hasEnds(document)
  );
}

function named(condition: Condition | null | undefined): string[] {
  if (!condition) return [];
  const { question, all = [], any = [], not, where } = condition;
  const compared = Object.values(condition).flatMap((one: unknown) =>
    one && typeof one === 'object' && 'question' in one ? [String(one.question)] : [],
  );
  const inner = [...all, ...any, ...(not ? [not] : []), ...(where ? [where] : [])];
  return [...(question ? [question] : []), ...compared, ...inner.flatMap(named)];
}

/** No condition depends on itself, by however many steps. */
function hasEnds(document: Document): boolean {
  const needs = new Map(listOf(document, 'questions').map((one) => [one.code, named(one.show_if)]));
  const done = new Set<string>();
  const ends = (code: string, path: readonly string[]): boolean => {
    if (path.includes(code)) return false;
    if (done.has(code)) return true;
    const found = (needs.get(code) ?? []).every((other) => ends(other, [...path, code]));
    done.add(code);
    return found;
  };
  return [...needs.keys()].every((code) => ends(code, []));
}
