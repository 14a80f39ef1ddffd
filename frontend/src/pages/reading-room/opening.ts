/** What must be known of a case before it can be shown; of the first one, asked while the room's code loads. */

import { whoAmI } from './who';
import { BrowserStore } from './browser-store';
import * as server from './server';
import type { SeriesDisplay } from '../../viewer/types';
import type { Assignment, Hanging, Within } from './types';

export interface KnownCase {
  assignment: Assignment;
  series: readonly SeriesDisplay[];
  /** Null where nobody could say: the case then opens with its first series. */
  hanging: Hanging | null;
}

export async function know(assignment: Assignment): Promise<KnownCase> {
  const { id, series: listed } = assignment.case;
  const hanging = server.hangingOf(assignment.slot).catch(() => null);
  const series = await Promise.all(listed.map((one) => server.describeSeries(one.id, id)));
  return { assignment, series, hanging: await hanging };
}

/** The slot of that number, or what the queue has next. */
export const ask = (slug: string, slot: number | null, within: Within): Promise<Assignment> =>
  slot === null ? server.claimNext(slug, within) : server.openSlot(slot);

interface Early {
  of: string;
  known: Promise<KnownCase | null>;
}
let early: Early | null = null;
const nameOf = (slug: string, slot: number | null): string => `${slug}/${slot ?? ''}`;

/** The room is on its way. What fails here, the room asks again, and says why. */
export function askEarly(slug: string, slot: number | null, within: Within): void {
  early = { of: nameOf(slug, slot), known: open(slug, slot, within).catch(() => null) };
}

async function open(slug: string, slot: number | null, within: Within): Promise<KnownCase | null> {
  const store = new BrowserStore();
  // A submission that waits goes first: the case that it ends would be claimed again.
  if (store.mayWait && (await store.unanswered(`${await whoAmI()}:`)).length > 0) return null;
  const known = await know(await ask(slug, slot, within));
  const [first] = known.series;
  // Into the browser's cache, where the viewer finds it.
  if (first) void fetch(first.frames_url.replace('{index}', '0')).then((response) => response.arrayBuffer());
  return known;
}

/** What was asked early, once; null if it was not, or failed. */
export function takeEarly(slug: string, slot: number | null): Promise<KnownCase | null> {
  const found = early?.of === nameOf(slug, slot) ? early.known : null;
  early = null;
  return Promise.resolve(found);
}
