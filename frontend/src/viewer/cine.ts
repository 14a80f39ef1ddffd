/** Plays the frames of a series one after the other: each of them, none left out, none before it is there. */

export interface CineState {
  playing: boolean;
  /** Frames per second that are wanted, and that the images themselves name; null if they name none. */
  rate: number;
  recorded: number | null;
  /** Back and forth, instead of from the start again. */
  bounce: boolean;
  /** Frames per second that were shown of late; 0 until a second has gone by. */
  actual: number;
}

export const STILL: CineState = { playing: false, rate: 10, recorded: null, bounce: false, actual: 0 };

const RATES = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60];
const MEASURED_MS = 1000;

/** What is played, and on what clock. */
export interface Reel {
  count: () => number;
  index: () => number;
  /** Resolves once the frame is on the screen, or was given up. */
  show: (index: number) => Promise<void>;
  failed: () => boolean;
  tell: (state: CineState) => void;
  nextTick: (run: (now: number) => void) => void;
}

/** The rate that a frame time of so many milliseconds means, within what can be played. */
export function rateOf(frameTimeMs: number | null): number | null {
  if (frameTimeMs === null || frameTimeMs <= 0) return null;
  return Math.min(60, Math.max(1, Math.round(10_000 / frameTimeMs) / 10));
}

/** The next rate of the list above (1) or below (-1) this one. */
export function stepRate(rate: number, by: 1 | -1): number {
  const further = by > 0 ? RATES.find((one) => one > rate) : RATES.findLast((one) => one < rate);
  return further ?? rate;
}

/** The frame after this one, and the direction in which it goes on. */
export function following(
  index: number,
  count: number,
  direction: 1 | -1,
  bounce: boolean,
): { index: number; direction: 1 | -1 } {
  const next = index + direction;
  if (next >= 0 && next < count) return { index: next, direction };
  if (!bounce) return { index: direction > 0 ? 0 : count - 1, direction };
  const back = direction > 0 ? -1 : 1;
  return { index: Math.min(Math.max(index + back, 0), count - 1), direction: back };
}

export class Cine {
  private state: CineState = STILL;
  private readonly settings = new Map<number, Pick<CineState, 'rate' | 'bounce'>>();
  private seriesId = 0;
  private direction: 1 | -1 = 1;
  private run = 0;
  private due = 0;
  private showing = false;
  private shown: number[] = [];

  constructor(private readonly reel: Reel) {}

  /** Another series: it stands still, at the rate that the reader chose for it, or that it names. */
  open(seriesId: number, frameTimeMs: number | null): void {
    this.run += 1;
    this.seriesId = seriesId;
    this.direction = 1;
    const recorded = rateOf(frameTimeMs);
    this.change({ ...STILL, recorded, rate: recorded ?? STILL.rate, ...this.settings.get(seriesId) });
  }

  /** Another case: no series has a rate of the reader's own. */
  forget(): void {
    this.settings.clear();
  }

  toggle(): void {
    if (this.state.playing) this.pause();
    else this.play();
  }

  play(): void {
    if (this.state.playing || this.reel.count() < 2) return;
    const run = ++this.run;
    this.due = 0;
    this.shown = [];
    this.change({ playing: true, actual: 0 });
    const tick = (now: number) => {
      if (run !== this.run) return;
      this.advance(now);
      this.reel.nextTick(tick);
    };
    this.reel.nextTick(tick);
  }

  /** Stays on the frame that is shown; one that was on its way does not come any more. */
  pause(): void {
    if (!this.state.playing) return;
    this.run += 1;
    void this.reel.show(this.reel.index());
    this.change({ playing: false });
  }

  setRate(rate: number): void {
    this.choose({ rate });
  }

  faster(by: 1 | -1): void {
    this.choose({ rate: stepRate(this.state.rate, by) });
  }

  asRecorded(): void {
    if (this.state.recorded !== null) this.choose({ rate: this.state.recorded });
  }

  toggleBounce(): void {
    this.direction = 1;
    this.choose({ bounce: !this.state.bounce });
  }

  private choose(part: Partial<Pick<CineState, 'rate' | 'bounce'>>): void {
    this.change(part);
    this.settings.set(this.seriesId, { rate: this.state.rate, bounce: this.state.bounce });
  }

  private change(part: Partial<CineState>): void {
    this.state = { ...this.state, ...part };
    this.reel.tell(this.state);
  }

  private advance(now: number): void {
    const period = 1000 / this.state.rate;
    if (this.due === 0) this.due = now + period;
    if (now < this.due || this.showing) return;
    // A screen that cannot keep up shows every frame later, rather than fewer frames.
    this.due = Math.max(this.due + period, now);
    const next = following(this.reel.index(), this.reel.count(), this.direction, this.state.bounce);
    this.direction = next.direction;
    this.showing = true;
    const run = this.run;
    void this.reel.show(next.index).finally(() => {
      this.showing = false;
      if (run !== this.run) return;
      if (this.reel.failed()) this.pause();
      else this.measure(now);
    });
  }

  private measure(now: number): void {
    this.shown = [...this.shown.filter((time) => time > now - MEASURED_MS), now];
    const [first] = this.shown as [number];
    if (now - first < MEASURED_MS / 2) return;
    const actual = Math.round(((this.shown.length - 1) * 1000) / (now - first));
    if (actual !== this.state.actual) this.change({ actual });
  }
}
