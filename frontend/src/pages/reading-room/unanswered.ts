/** Submissions that were sent and never answered: sent again under their own key, they have one effect. */

import { ApiError, sentence } from '../../api/http';
import { toasts } from '../../state/toasts.svelte';
import { t } from '../../strings';
import type { Content } from '../../viewer/types';
import type { BrowserStore, Pending } from './browser-store';
import { submitRead } from './server';

/** What is sent for good. `images`: the version of each series that was on the screen, by its id. */
export interface Submission {
  token: number;
  content: Content;
  images: Record<number, string>;
  active_seconds: number;
}

const MAY_YET_SUCCEED = [401, 403, 408, 429];

/** The server has decided; any other failure may end otherwise when it is tried again. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  return !error.offline && error.status < 500 && !MAY_YET_SUCCEED.includes(error.status);
}

/** The same content is sent under the same key again, so that an answer that got lost costs nothing. */
export function pendingOf(submission: Submission, before: Pending | null): Pending {
  const same = (body: string) =>
    JSON.stringify((JSON.parse(body) as Submission).content) === JSON.stringify(submission.content);
  if (before && same(before.body)) return before;
  return { idempotencyKey: crypto.randomUUID(), body: JSON.stringify(submission) };
}

/** What the server found wrong, a sentence each. */
export function refusals(error: unknown): string[] {
  const named = error instanceof ApiError ? (error.problem.errors ?? []) : [];
  return named.length ? named.map(({ message }) => message) : [sentence(error)];
}

/** Sends what waits, save for a slot that is being read. What is refused stays in the browser as a draft. */
export async function sendUnanswered(store: BrowserStore, username: string, except?: number): Promise<void> {
  for (const draft of await store.unanswered(`${username}:`)) {
    if (draft.slot === except) continue;
    const { idempotencyKey, body } = draft.pending as Pending;
    const id = draft.caseId;
    try {
      await submitRead(draft.slot, idempotencyKey, JSON.parse(body));
      await store.erase(draft.key);
      toasts.say(t('room.submittedAfterAll', { id }));
    } catch (error) {
      if (!isRefusal(error)) continue;
      await store.save({ ...draft, pending: null });
      toasts.fail(t('room.refusedAfterAll', { id, reason: sentence(error) }));
    }
  }
}
