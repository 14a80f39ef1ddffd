/** The claim on a case: renewed while the reader is at work, left to run out in a tab that nobody uses. */

import { ApiError } from '../../api/http';
import type { Activity } from './activity';

const LOOK_MS = 5000;
const RENEW_MS = 60_000;
const IDLE_SECONDS = 300;

/** Held, about to end because nobody is at work, or ended. */
export type LeaseState = 'none' | 'held' | 'ending' | 'ended';

export interface Claim {
  slot: number;
  token: number;
  lease_expires_at: string | null;
}

interface Options {
  activity: Activity;
  renew: (slot: number, token: number) => Promise<{ lease_expires_at: string }>;
  /** The server no longer knows the claim. */
  onLost: () => void;
}

export class Lease {
  state = $state<LeaseState>('none');
  endsAt = $state('');
  private slot = 0;
  private token = 0;
  private renewedAt = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly options: Options) {}

  begin({ slot, token, lease_expires_at: endsAt }: Claim): void {
    this.end();
    this.slot = slot;
    this.token = token;
    this.renewed(endsAt ?? '');
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  end(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.state = 'none';
  }

  private renewed(endsAt: string): void {
    this.endsAt = endsAt;
    this.renewedAt = Date.now();
    this.state = 'held';
  }

  private async look(): Promise<void> {
    if (this.options.activity.idleSeconds > IDLE_SECONDS) {
      this.state = Date.parse(this.endsAt) < Date.now() ? 'ended' : 'ending';
    } else if (Date.now() - this.renewedAt >= RENEW_MS) await this.renew();
  }

  private async renew(): Promise<void> {
    const { slot, timer } = this;
    // One attempt a minute, answered or not.
    this.renewedAt = Date.now();
    try {
      const { lease_expires_at: endsAt } = await this.options.renew(slot, this.token);
      if (timer === this.timer) this.renewed(endsAt);
    } catch (error) {
      if (timer !== this.timer || !(error instanceof ApiError) || error.code !== 'lease_lost') return;
      this.end();
      this.state = 'ended';
      this.options.onLost();
    }
  }
}
