/** What panes do together: which frame of one series belongs to a frame of another, and in what sense. */

import { cross, hasGeometry, planeOf, toWorld } from './plane';
import { dot, nearestFrame } from './section';
import type { SeriesDisplay, Vector } from './types';

export interface Links {
  scroll: boolean;
  window: boolean;
  /** Zoom and pan. */
  view: boolean;
}

export const UNLINKED: Links = { scroll: false, window: false, view: false };
export type LinkKind = 'position' | 'number' | 'none';

const PARALLEL = 0.9;

export const sourceOf = (series: SeriesDisplay): SeriesDisplay => series.section?.source ?? series;

/** Whether both show one series: its images, or planes through it. */
export const isSameSource = (a: SeriesDisplay | null, b: SeriesDisplay | null): boolean =>
  a !== null && b !== null && sourceOf(a).id === sourceOf(b).id;

/** Whether a position in one means the same in the other. */
export function inSameSpace(a: SeriesDisplay, b: SeriesDisplay): boolean {
  if (!hasGeometry(a) || !hasGeometry(b)) return false;
  if (sourceOf(a).id === sourceOf(b).id) return true;
  return a.frame_of_reference !== null && a.frame_of_reference === b.frame_of_reference;
}

function normalOf(series: SeriesDisplay, index: number): Vector {
  const { across, down } = planeOf(series, index);
  return cross(across, down);
}

/** By position where both lie in one frame of reference the same way; by number where nothing is known. */
export function linkBetween(a: SeriesDisplay, b: SeriesDisplay): LinkKind {
  if (!inSameSpace(a, b)) return 'number';
  return Math.abs(dot(normalOf(a, 0), normalOf(b, 0))) >= PARALLEL ? 'position' : 'none';
}

export function centreOf(series: SeriesDisplay, index: number): Vector {
  const { rows, columns } = { ...series, ...series.frames[index] };
  return toWorld(planeOf(series, index), [(columns - 1) / 2, (rows - 1) / 2]);
}

/**
 * The frame of `to` that goes with a frame of `from`; null where it has none. `offset` counts between
 * frames that were side by side when the panes were linked, where only numbers can be compared.
 */
export function counterpart(
  from: SeriesDisplay,
  index: number,
  to: SeriesDisplay,
  offset: number,
): number | null {
  const kind = linkBetween(from, to);
  if (kind === 'none') return null;
  if (kind === 'number') return Math.min(Math.max(index + offset, 0), to.frame_count - 1);
  const found = nearestFrame(to, centreOf(from, index));
  return found.mm <= Math.max(to.slice_spacing ?? 0, from.slice_spacing ?? 0, 1) ? found.index : null;
}
