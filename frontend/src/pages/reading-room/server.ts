/** The reading room's requests to the server. */

import { address, get, post, put, request, send } from '../../api/http';
import type { Packed } from '../../viewer/mask-packing';
import { decompress } from '../../viewer/masks';
import type { Content, SeriesDisplay } from '../../viewer/types';
import type { KnownCase } from './opening';
import type { Assignment, Hanging, Held, SchemaMoveTold, SubmittedRead, Suggestion, Within } from './types';

export const claimNext = (slug: string, within: Within) =>
  post<Assignment>(`projects/${slug}/claims`, within);
/** What the reader will get next, kept for some minutes; undefined if nothing is free to be kept. */
export const reserve = (slug: string, within: Within) =>
  post<{ reserved_until: string; assignment: Assignment } | undefined>(
    `projects/${slug}/claims/next`,
    within,
  );
export const letGo = (slug: string, keepalive: boolean) =>
  request<void>('DELETE', `projects/${slug}/claims/next`, { keepalive });
export const openSlot = (slot: number) => get<Assignment>(`slots/${slot}`);
/** The series as far as it belongs to the case: one image where that is the case. */
export const describeSeries = (id: number, caseId: number | null) =>
  get<SeriesDisplay>(`series/${id}`, { query: { case: caseId } });

/** One of the case, or one that may be looked at beside it. */
export const seriesOfSlot = (slot: number, series: number) =>
  get<SeriesDisplay>(`slots/${slot}/series`, { query: { series } });
export const hangingOf = (slot: number) => get<Hanging>(`slots/${slot}/hanging`);

export const heartbeat = (slot: number, token: number) => post<Held>(`slots/${slot}/heartbeat`, { token });
export const weighMove = (slot: number) => get<SchemaMoveTold>(`slots/${slot}/schema-move`);
export const moveForm = (slot: number, to: { token: number; draft: number; version: number }) =>
  post<{ version: number }>(`slots/${slot}/schema-move`, to);
export const release = (slot: number, token: number) => post<void>(`slots/${slot}/release`, { token });
export const skip = (slot: number, token: number, reason: string) =>
  post<void>(`slots/${slot}/skip`, { token, reason });
export const raiseIssue = (slot: number, token: number, issue: string, text: string) =>
  post<void>(`slots/${slot}/issue`, { token, issue, text });

export interface DraftToSave {
  token: number;
  version: number;
  content: Content;
  active_seconds: number;
}

export const saveDraft = (slot: number, draft: DraftToSave) =>
  put<{ version: number; updated_at: string }>(`slots/${slot}/draft`, draft);

export const submitRead = (slot: number, idempotencyKey: string, body: unknown) =>
  post<SubmittedRead>(`slots/${slot}/submit`, body, { headers: { 'Idempotency-Key': idempotencyKey } });

/** Shows me the model's suggestion; that I saw it is recorded. */
export const showSuggestion = (slot: number) => post<Suggestion>(`slots/${slot}/suggestion`, {});
export const commitFirst = (slot: number, body: unknown) =>
  post<{ committed_at: string }>(`slots/${slot}/commit`, body);

export async function storeMask(slot: number, series: number, { hash, gzip }: Packed): Promise<void> {
  await request('PUT', `slots/${slot}/masks`, { query: { series, sha256: hash }, body: gzip });
}

const masksAhead = new Map<string, Promise<Uint8Array>>();

export function fetchMask(slot: number, sha256: string, size: number): Promise<Uint8Array> {
  const name = `${slot} ${sha256}`;
  const ahead = masksAhead.get(name);
  masksAhead.delete(name);
  return ahead ? ahead.catch(() => fetchNow(slot, sha256, size)) : fetchNow(slot, sha256, size);
}

async function fetchNow(slot: number, sha256: string, size: number): Promise<Uint8Array> {
  const url = new URL(address(`slots/${slot}/masks/${sha256}`), location.origin);
  const response = await send(new Request(url, { credentials: 'same-origin' }));
  return decompress(new Uint8Array(await response.arrayBuffer()), size);
}

/** The masks of a draft that waits in a later case. */
export async function loadMasks({ assignment, series }: KnownCase): Promise<void> {
  masksAhead.clear();
  for (const mark of assignment.draft?.content.marks ?? []) {
    const display = series.find(({ id }) => id === mark.series);
    if (mark.kind !== 'labelmap' || !mark.mask || !display) continue;
    const { frame_count: frames, rows, columns } = display;
    const mask = fetchNow(assignment.slot, mark.mask, frames * rows * columns);
    masksAhead.set(`${assignment.slot} ${mark.mask}`, mask);
  }
  await Promise.allSettled(masksAhead.values());
}
