/**
 * How a reader wants to see one mark, or one segment: its colour, whether it is hidden, and, of a segment,
 * its name, opacity and lock. Part of the record: undone, drafted and submitted like everything else.
 */

import type { LabelClass, Mark, MarkKind } from './types';

export interface Look {
  name?: string;
  colour?: string;
  /** From 0 to 1. */
  opacity?: number;
  hidden?: boolean;
  /** No tool changes its voxels. */
  locked?: boolean;
}

/** As it is stored: whose look it is, by tracking UID or, of a segment, by its class. */
export interface StoredLook extends Look {
  target: string;
}

export const OPACITY = 0.35;
const SEGMENT = 'class:';
export const segmentTarget = (code: string): string => SEGMENT + code;

/** Without what is as it always was; null if that is everything. */
export function plain(look: Look): Look | null {
  const said = Object.entries(look).filter(
    ([, value]) => value !== undefined && value !== false && value !== '',
  );
  return said.length ? Object.fromEntries(said) : null;
}

/** A class as it is painted in this reading. */
export interface Appearance extends LabelClass {
  opacity: number;
  hidden: boolean;
  locked: boolean;
}

export type LookOf = (target: string) => Look;

export function appearanceOf(label: LabelClass, lookOf: LookOf): Appearance {
  const { name, colour, opacity, hidden, locked } = lookOf(segmentTarget(label.code));
  return {
    ...label,
    name: name ?? label.name,
    colour: colour ?? label.colour,
    opacity: opacity ?? OPACITY,
    hidden: !!hidden,
    locked: !!locked,
  };
}

/** By voxel value, 1 for the segments that nothing may change. */
export function lockedValues(classes: readonly LabelClass[], lookOf: LookOf): Uint8Array {
  const locked = new Uint8Array(256);
  for (const { code, value } of classes) if (lookOf(segmentTarget(code)).locked) locked[value] = 1;
  return locked;
}

/** The looks of what there still is. */
export function looksToStore(
  looks: ReadonlyMap<string, Look>,
  marks: ReadonlyMap<string, Mark>,
): StoredLook[] {
  return [...looks]
    .filter(([target]) => target.startsWith(SEGMENT) || marks.has(target))
    .map(([target, look]) => ({ target, ...look }));
}

/** Whether the label schema lets this class have marks of that kind. */
export const mayHave = (label: LabelClass | null, kind: MarkKind): boolean =>
  label?.marks?.includes(kind) ?? true;
