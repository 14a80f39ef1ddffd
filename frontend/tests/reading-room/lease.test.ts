import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/api/http';
import { Activity } from '../../src/pages/reading-room/activity';
import { Lease } from '../../src/pages/reading-room/lease.svelte';

const MINUTE = 60_000;
let activity: Activity;
let renewals: number;
let refuse: string;
let lost: number;
let lease: Lease;

const inMinutes = (count: number) => new Date(Date.now() + count * MINUTE).toISOString();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  activity = new Activity(0, () => Date.now());
  renewals = 0;
  refuse = '';
  lost = 0;
  lease = new Lease({
    activity,
    renew: async () => {
      if (refuse) throw new ApiError({ status: 409, code: refuse, title: '', detail: '' });
      renewals += 1;
      return { lease_expires_at: inMinutes(30) };
    },
    onLost: () => {
      lost += 1;
    },
  });
  lease.begin({ slot: 1, token: 2, lease_expires_at: inMinutes(30) });
});

afterEach(() => {
  lease.end();
  vi.useRealTimers();
});

async function work(minutes: number): Promise<void> {
  for (let passed = 0; passed < minutes; passed++) {
    activity.sign();
    await vi.advanceTimersByTimeAsync(MINUTE);
  }
}

describe('the claim', () => {
  it('is renewed while the reader is at work', async () => {
    await work(40);
    expect(renewals).toBeGreaterThanOrEqual(35);
    expect(lease.state).toBe('held');
  });

  it('runs out in a tab that nobody uses, and the room says when', async () => {
    await vi.advanceTimersByTimeAsync(6 * MINUTE);
    const before = renewals;
    expect(lease.state).toBe('ending');
    expect(Date.parse(lease.endsAt)).toBeGreaterThan(Date.now());
    await vi.advanceTimersByTimeAsync(40 * MINUTE);
    expect(renewals).toBe(before);
    expect(lease.state).toBe('ended');
  });

  it('is renewed at once when the reader comes back in time', async () => {
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    activity.sign();
    await vi.advanceTimersByTimeAsync(6000);
    expect(lease.state).toBe('held');
  });

  it('has ended once the server says so, and is asked for no more', async () => {
    refuse = 'lease_lost';
    await work(2);
    expect([lease.state, lost]).toEqual(['ended', 1]);
    refuse = '';
    await work(5);
    expect(renewals).toBe(0);
  });

  it('survives a server that does not answer for a while', async () => {
    refuse = 'no_answer';
    await work(3);
    expect(lease.state).toBe('held');
    refuse = '';
    await work(2);
    expect(renewals).toBeGreaterThan(0);
  });
});
