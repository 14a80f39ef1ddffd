/** Landmarks that a class names: placed once each, in its order. */

import type { LabelClass, Mark } from './types';

type Named = Pick<LabelClass, 'code' | 'landmarks'>;

export const namesOf = ({ landmarks = [] }: Named): readonly string[] => landmarks;

/** Which mark holds each name that is placed; the first where two do. */
export function placedOf(label: Named, marks: Iterable<Mark>): Map<string, string> {
  const placed = new Map<string, string>();
  for (const { kind, label_class, text, tracking_uid } of marks) {
    if (kind === 'landmark' && label_class === label.code && !placed.has(text))
      placed.set(text, tracking_uid);
  }
  return placed;
}

/** The name that the next point gets: the wanted one, or else the first after it that is free; null for none. */
export function nextOf(label: Named, placed: ReadonlyMap<string, string>, wanted: string): string | null {
  const names = namesOf(label);
  const from = Math.max(0, names.indexOf(wanted));
  const inTurn = [...names.slice(from), ...names.slice(0, from)];
  return inTurn.find((name) => !placed.has(name)) ?? null;
}

export type LandmarkFault =
  { fault: 'unnamed' | 'twice'; uid: string; name: string } | { fault: 'missing'; uid: ''; name: string };

/** What is wrong with the landmarks of a class, as the server sees it. */
export function faultsOf(label: Named, marks: readonly Mark[], required: boolean): LandmarkFault[] {
  const names = namesOf(label);
  if (names.length === 0) return [];
  const placed = placedOf(label, marks);
  const own = marks.filter(({ kind, label_class }) => kind === 'landmark' && label_class === label.code);
  const wrong = own.flatMap(({ text: name, tracking_uid: uid }): LandmarkFault[] => {
    if (!names.includes(name)) return [{ fault: 'unnamed', uid, name }];
    return placed.get(name) === uid ? [] : [{ fault: 'twice', uid, name }];
  });
  const missing = required ? names.filter((name) => !placed.has(name)) : [];
  return [...wrong, ...missing.map((name): LandmarkFault => ({ fault: 'missing', uid: '', name }))];
}
