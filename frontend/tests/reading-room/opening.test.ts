import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BrowserStore } from '../../src/pages/reading-room/browser-store';
import { askEarly, know, takeEarly } from '../../src/pages/reading-room/opening';
import * as server from '../../src/pages/reading-room/server';
import type { Assignment, Hanging } from '../../src/pages/reading-room/types';
import type { SeriesDisplay } from '../../src/viewer/types';
import { notes } from './notes';

vi.mock('../../src/pages/reading-room/server');
vi.mock('../../src/pages/reading-room/who', () => ({ whoAmI: () => Promise.resolve('ada') }));
const doors = vi.mocked(server);
const fetched = vi.fn(() => Promise.resolve(new Response('')));
vi.stubGlobal('fetch', fetched);

const any = { modality: '', body_part: '' };
const assignment = { slot: 7, case: { id: 70, series: [{ id: 700 }] } } as unknown as Assignment;
const series = { id: 700, frames_url: '/pixels/t/frames/{index}' } as unknown as SeriesDisplay;
const hanging: Hanging = { version: 1, protocols: [], beside: [] };

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
  vi.stubGlobal('localStorage', notes());
  doors.claimNext.mockReset().mockResolvedValue(assignment);
  doors.openSlot.mockReset().mockResolvedValue(assignment);
  doors.hangingOf.mockReset().mockResolvedValue(hanging);
  doors.describeSeries.mockReset().mockResolvedValue(series);
  fetched.mockClear();
});

describe('the case that is asked for before the room is there', () => {
  it('is known, with its first frame, when the room asks; and only once', async () => {
    askEarly('chest', null, any);
    expect(await takeEarly('chest', null)).toEqual({ assignment, series: [series], hanging });
    expect(fetched).toHaveBeenCalledWith('/pixels/t/frames/0');
    expect(await takeEarly('chest', null)).toBeNull();
    expect(doors.claimNext).toHaveBeenCalledTimes(1);
  });

  it('does not wait for the database of drafts where no submission waits', async () => {
    vi.stubGlobal('indexedDB', { open: () => ({}) });
    askEarly('chest', null, any);
    expect(await takeEarly('chest', null)).toMatchObject({ assignment });
  });

  it('is of no use to a room with another case', async () => {
    askEarly('chest', 7, any);
    expect(await takeEarly('chest', 8)).toBeNull();
  });

  it('is left to the room while a submission waits, whose case would be claimed again', async () => {
    const store = new BrowserStore();
    await store.save({
      key: 'ada:7',
      slot: 7,
      caseId: 70,
      answers: [],
      marks: [],
      painted: [],
      version: 0,
      activeSeconds: 1,
      savedAt: '',
      dirty: true,
      pending: { idempotencyKey: 'k', body: '{}' },
    });
    askEarly('chest', null, any);
    expect(await takeEarly('chest', null)).toBeNull();
    expect(doors.claimNext).not.toHaveBeenCalled();
    await store.erase('ada:7');
    expect(await store.unanswered('ada:')).toEqual([]);
    expect(store.mayWait).toBe(false);
  });

  it('is asked for again by the room if it could not be had', async () => {
    doors.describeSeries.mockRejectedValue(new Error('no answer'));
    askEarly('chest', null, any);
    expect(await takeEarly('chest', null)).toBeNull();
  });
});

it('opens a case without a layout where nobody can say how it is to be hung', async () => {
  doors.hangingOf.mockRejectedValue(new Error('no answer'));
  expect(await know(assignment)).toEqual({ assignment, series: [series], hanging: null });
});
