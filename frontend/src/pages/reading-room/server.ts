/** The reading room's requests to the server. */

import { address, get, post, put, request, send } from '../../api/http';
import { compress, decompress } from '../../viewer/masks';
import type { Content, SeriesDisplay } from '../../viewer/types';
import type { Assignment, Hanging, SubmittedRead } from './types';

export const claimNext = (slug: string) => post<Assignment>(`projects/${slug}/claims`);
export const openSlot = (slot: number) => get<Assignment>(`slots/${slot}`);
/** The series as far as it belongs to the case: one image where that is the case. */
export const describeSeries = (id: number, caseId: number | null) =>
  get<SeriesDisplay>(`series/${id}`, { query: { case: caseId } });

/** One of the case, or one that may be looked at beside it. */
export const seriesOfSlot = (slot: number, series: number) =>
  get<SeriesDisplay>(`slots/${slot}/series`, { query: { series } });
export const hangingOf = (slot: number) => get<Hanging>(`slots/${slot}/hanging`);

export const heartbeat = (slot: number, token: number) =>
  post<{ lease_expires_at: string }>(`slots/${slot}/heartbeat`, { token });
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

export async function storeMask(
  slot: number,
  series: number,
  sha256: string,
  bytes: Uint8Array,
): Promise<void> {
  await request('PUT', `slots/${slot}/masks`, { query: { series, sha256 }, body: await compress(bytes) });
}

export async function fetchMask(slot: number, sha256: string, size: number): Promise<Uint8Array> {
  const url = new URL(address(`slots/${slot}/masks/${sha256}`), location.origin);
  const response = await send(new Request(url, { credentials: 'same-origin' }));
  return decompress(new Uint8Array(await response.arrayBuffer()), size);
}
