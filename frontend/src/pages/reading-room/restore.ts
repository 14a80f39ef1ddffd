/** Where a reader left off: this browser's unsent work, else the server's draft, else what was submitted. */

import { Labelmap } from '../../viewer/labelmap';
import type { Content, SeriesDisplay } from '../../viewer/types';
import type { BrowserDraft, BrowserStore, Pending } from './browser-store';
import { freshContent } from './form';
import { fetchMask } from './server';
import type { Assignment, StoredDraft } from './types';

export interface Restored {
  content: Content;
  labelmaps: Map<number, Labelmap>;
  /** SHA-256 of the masks that the server has, by series. */
  masks: Map<number, string>;
  /** The server's version that this stands on. */
  version: number;
  seconds: number;
  /** Work of this browser that the server does not have yet. */
  dirty: boolean;
  /** A submission of it that the server has not answered. */
  pending: Pending | null;
  /** A mask was left out: it was drawn when the series had other images. */
  unfitting: boolean;
}

export async function restore(
  assignment: Assignment,
  series: readonly SeriesDisplay[],
  store: BrowserStore,
  key: string,
): Promise<Restored> {
  const local = await store.load(key);
  if (local?.dirty) return fromBrowser(local, series, store);
  // What lies here is older than what the server has; mixed with it, it would be wrong.
  if (local) await store.erase(key);
  const { draft, submitted, slot } = assignment;
  if (draft) return fromServer(slot, draft, series);
  if (submitted) {
    const { content, submitted_at: updated_at } = submitted;
    return fromServer(slot, { version: 0, content, active_seconds: 0, updated_at }, series);
  }
  const content = freshContent();
  return {
    content,
    labelmaps: new Map(),
    masks: new Map(),
    version: 0,
    seconds: 0,
    dirty: false,
    pending: null,
    unfitting: false,
  };
}

async function fromBrowser(
  draft: BrowserDraft,
  displays: readonly SeriesDisplay[],
  store: BrowserStore,
): Promise<Restored> {
  const labelmaps = new Map<number, Labelmap>();
  let unfitting = false;
  for (const { series, frames, rows, columns } of draft.painted) {
    const display = displays.find(({ id }) => id === series);
    if (display?.frame_count !== frames || display.rows !== rows || display.columns !== columns) {
      unfitting = true;
      continue;
    }
    const voxels = new Uint8Array(frames * rows * columns);
    for (const { frame, bytes } of await store.frames(draft.key, series)) {
      voxels.set(bytes, frame * rows * columns);
    }
    labelmaps.set(series, new Labelmap(frames, rows, columns, voxels));
  }
  const { answers, marks, suggestions = [], prompted = [], looks = [] } = draft;
  const { version, pending, activeSeconds: seconds } = draft;
  return {
    content: { answers, marks, suggestions, prompted, looks },
    labelmaps,
    masks: new Map(),
    version,
    seconds,
    dirty: true,
    pending,
    unfitting,
  };
}

async function fromServer(
  slot: number,
  draft: StoredDraft,
  series: readonly SeriesDisplay[],
): Promise<Restored> {
  const labelmaps = new Map<number, Labelmap>();
  const masks = new Map<number, string>();
  let unfitting = false;
  for (const mark of draft.content.marks) {
    const display = series.find(({ id }) => id === mark.series);
    if (mark.kind !== 'labelmap' || !mark.mask || !display) continue;
    const { frame_count: frames, rows, columns } = display;
    try {
      const voxels = await fetchMask(slot, mark.mask, frames * rows * columns);
      labelmaps.set(display.id, new Labelmap(frames, rows, columns, voxels));
      masks.set(display.id, mark.mask);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      unfitting = true;
    }
  }
  const { content, version, active_seconds: seconds } = draft;
  return { content, labelmaps, masks, version, seconds, dirty: false, pending: null, unfitting };
}
