/** What the server found wrong, found again by its place in the document. */

import type { Document } from './document';

export interface Fault {
  where: string;
  message: string;
}
export type Section = 'classes' | 'questions' | 'rules' | 'guideline';
export const SECTIONS: readonly Section[] = ['classes', 'questions', 'rules', 'guideline'];

const isWithin = (where: string, path: string): boolean => where === path || where.startsWith(`${path}.`);

/** A sentence of "document.questions…" is one of "questions…". */
export const placed = (faults: readonly Fault[]): Fault[] =>
  faults.map(({ where, message }) => ({ where: where.replace(/^document\.?/, ''), message }));

export const at = (faults: readonly Fault[], path: string): string =>
  faults
    .filter(({ where }) => where === path)
    .map(({ message }) => message)
    .join(' ');

export const within = (faults: readonly Fault[], path: string): Fault[] =>
  faults.filter(({ where }) => isWithin(where, path));

/** The part of the form in which a fault is, and which of its items. */
export function whereabouts(where: string): { section: Section; index: number } {
  const [first = '', second = ''] = where.split('.');
  const index = /^\d+$/.test(second) ? Number(second) : -1;
  if (first === 'questions' || first === 'rules') return { section: first, index };
  if (first === 'guideline' || first === 'pictures') return { section: 'guideline', index: -1 };
  return { section: 'classes', index: first === 'classes' ? index : -1 };
}

/** In the order of the form. */
export function sorted(faults: readonly Fault[]): Fault[] {
  const rank = ({ where }: Fault) => {
    const { section, index } = whereabouts(where);
    return SECTIONS.indexOf(section) * 1000 + index;
  };
  return faults.toSorted((one, other) => rank(one) - rank(other));
}

/** Codes that the conditions of the document name and the fault is about: for a title of the list. */
export function titleOf(document: Document, { where }: Fault): string {
  const { section, index } = whereabouts(where);
  if (index < 0 || section === 'guideline') return '';
  const item = document[section]?.[index];
  if (!item) return '';
  return 'name' in item ? item.name : 'text' in item ? item.text : item.code;
}
