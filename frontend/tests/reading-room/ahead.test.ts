import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ahead } from '../../src/pages/reading-room/ahead.svelte';
import * as server from '../../src/pages/reading-room/server';
import type { Assignment, Within } from '../../src/pages/reading-room/types';
import type { SeriesDisplay } from '../../src/viewer/types';

vi.mock('../../src/pages/reading-room/server');
const doors = vi.mocked(server);

const assignment = (slot: number, version = 'v1'): Assignment =>
  ({
    slot,
    case: {
      id: slot * 10,
      series: [{ id: slot * 100, version, description: '', modality: 'CT', frame_count: 1 }],
    },
    draft: null,
  }) as unknown as Assignment;
const waiting = (slot: number) => ({ reserved_until: '', assignment: assignment(slot) });
const settle = () => new Promise((done) => setTimeout(done));

let within: Within = { modality: '', body_part: '' };
const made: Ahead[] = [];
function ahead(): Ahead {
  const one = new Ahead(
    'chest',
    () => within,
    () => false,
  );
  made.push(one);
  return one;
}

beforeEach(() => {
  within = { modality: '', body_part: '' };
  doors.reserve.mockResolvedValue(waiting(2));
  doors.letGo.mockResolvedValue(undefined);
  doors.hangingOf.mockResolvedValue({ version: 1, protocols: [], beside: [] });
  doors.describeSeries.mockImplementation((id) =>
    Promise.resolve({ id, version: 'v1' } as unknown as SeriesDisplay),
  );
});
afterEach(() => {
  for (const one of made.splice(0)) one.leave();
  vi.clearAllMocks();
});

describe('the next case', () => {
  it('is kept on the server and described here while the present one is read', async () => {
    const next = ahead();
    next.begin();
    await settle();
    expect(doors.reserve).toHaveBeenCalledWith('chest', within);
    expect(next.phase).toBe('loading');
    expect(next.take(assignment(2))).toEqual({
      assignment: assignment(2),
      series: [{ id: 200, version: 'v1' }],
      hanging: { version: 1, protocols: [], beside: [] },
    });
    expect(next.phase).toBe('none');
  });

  it('is ready once all of its frames are here', async () => {
    const next = ahead();
    next.begin();
    await settle();
    let loaded: (loaded: number, all: number) => void = () => undefined;
    const stop = vi.fn();
    next.loadFrames((_, onLoaded) => {
      loaded = onLoaded;
      return { stop };
    });
    loaded(1, 2);
    expect(next.phase).toBe('loading');
    loaded(2, 2);
    expect(next.phase).toBe('ready');
    next.take(assignment(2));
    expect(stop).toHaveBeenCalled();
  });

  it('is of no use if the reader got another one, or its images have changed since', async () => {
    const next = ahead();
    next.begin();
    await settle();
    expect(next.take(assignment(3))).toBeNull();
    next.begin();
    await settle();
    expect(next.take(assignment(2, 'v2'))).toBeNull();
  });

  it('is let go when the reader leaves', async () => {
    const next = ahead();
    next.begin();
    await settle();
    next.leave({ keepalive: true });
    expect(doors.letGo).toHaveBeenCalledWith('chest', true);
    expect(next.next).toBeNull();
  });

  it('that arrives after the reader has gone on is not taken for the one after', async () => {
    const next = ahead();
    let answer: (found: ReturnType<typeof waiting>) => void = () => undefined;
    doors.reserve.mockReturnValueOnce(new Promise((done) => (answer = done)));
    next.begin();
    expect(next.take(assignment(2))).toBeNull();
    answer(waiting(2));
    await settle();
    expect(next.next).toBeNull();
  });

  it('that cannot be described is left to be opened when its turn comes', async () => {
    doors.describeSeries.mockRejectedValue(new Error('no answer'));
    const next = ahead();
    next.begin();
    await settle();
    expect(next.phase).toBe('none');
  });

  it('is asked for anew when the filter changes', async () => {
    const next = ahead();
    next.begin();
    await settle();
    within = { modality: 'MR', body_part: '' };
    doors.reserve.mockResolvedValue(waiting(5));
    next.narrowed();
    await settle();
    expect(doors.reserve).toHaveBeenLastCalledWith('chest', within);
    expect(next.next?.assignment.slot).toBe(5);
  });
});
