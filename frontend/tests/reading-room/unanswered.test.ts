import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/api/http';
import { type BrowserDraft, BrowserStore } from '../../src/pages/reading-room/browser-store';
import * as server from '../../src/pages/reading-room/server';
import { pendingOf, sendUnanswered } from '../../src/pages/reading-room/unanswered';
import { toasts } from '../../src/state/toasts.svelte';
import { notes } from './notes';

const problem = (status: number) => new ApiError({ status, code: 'x', title: 'x', detail: 'The reason.' });
const draft: BrowserDraft = {
  key: 'ada:1',
  slot: 1,
  caseId: 1234,
  answers: [],
  marks: [],
  painted: [],
  version: 0,
  activeSeconds: 3,
  savedAt: '',
  dirty: true,
  pending: { idempotencyKey: 'k', body: '{"token":5}' },
};
let store: BrowserStore;
const submit = vi.spyOn(server, 'submitRead');

beforeEach(async () => {
  store = new BrowserStore(new IDBFactory(), notes());
  await store.save(draft);
});
afterEach(() => submit.mockReset());

describe('a submission that was never answered', () => {
  it('is sent again under its own key, and is then no draft any more', async () => {
    submit.mockResolvedValue({ read: 1, late: false, submitted_at: '' });
    await sendUnanswered(store, 'ada');
    expect(submit).toHaveBeenCalledWith(1, 'k', { token: 5 });
    expect(await store.load('ada:1')).toBeNull();
  });

  it("of another reader of this browser is not this reader's to send", async () => {
    await sendUnanswered(store, 'ad');
    expect(submit).not.toHaveBeenCalled();
  });

  it.each([0, 401, 403, 408, 429, 500, 503])('waits on after an answer of %i', async (status) => {
    submit.mockRejectedValue(problem(status));
    await sendUnanswered(store, 'ada');
    expect((await store.load('ada:1'))?.pending).toEqual(draft.pending);
  });

  it.each([404, 409, 422])('that is refused with %i is a draft again', async (status) => {
    submit.mockRejectedValue(problem(status));
    await sendUnanswered(store, 'ada');
    expect(await store.load('ada:1')).toMatchObject({ pending: null, dirty: true });
    expect(toasts.list.at(-1)?.text).toContain('Case 1234: ');
    expect(toasts.list.at(-1)?.text).toContain('The reason.');
  });

  it('of the case that is being read is left to the room', async () => {
    await sendUnanswered(store, 'ada', 1);
    expect(submit).not.toHaveBeenCalled();
  });

  it('does not hold up another one that can be sent', async () => {
    await store.save({ ...draft, key: 'ada:2', slot: 2 });
    submit.mockRejectedValueOnce(problem(503));
    submit.mockResolvedValueOnce({ read: 2, late: false, submitted_at: '' });
    await sendUnanswered(store, 'ada');
    expect(await store.load('ada:1')).not.toBeNull();
    expect(await store.load('ada:2')).toBeNull();
  });
});

describe('a submission', () => {
  const said = (value: string) => ({ answers: [{ question: 'finding', target: '', value }], marks: [] });
  const first = { token: 5, content: said('yes'), images: { 7: 'a' }, active_seconds: 3 };

  it('of the same content keeps its key, whatever else has moved on', () => {
    const pending = pendingOf(first, null);
    expect(JSON.parse(pending.body)).toEqual(first);
    expect(pendingOf({ ...first, active_seconds: 9 }, pending)).toBe(pending);
  });

  it('of other content is another one', () => {
    const pending = pendingOf(first, null);
    const other = pendingOf({ ...first, content: said('no') }, pending);
    expect(other.idempotencyKey).not.toBe(pending.idempotencyKey);
  });
});
