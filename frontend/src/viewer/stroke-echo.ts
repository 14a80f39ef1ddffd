/**
 * Shows a stroke of the brush in the other panes while it goes on. The pane under the brush comes first: what
 * the others cost is measured, and they are drawn for no more than a part of the time.
 */

/** A pane that may show what is painted in a series. */
export interface Echoing {
  /** Draws what is painted in that series, if it shows any of it. */
  echo(seriesId: number): void;
}

const LEAST_MS = 60;
/** Of the time, at most one part in so many goes into the other panes. */
const SHARE = 5;

export interface Clock {
  now: () => number;
  later: (run: () => void, ms: number) => ReturnType<typeof setTimeout>;
  cancel: (timer: ReturnType<typeof setTimeout>) => void;
}

const REAL: Clock = {
  now: () => performance.now(),
  later: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
};

export class StrokeEcho {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private rested = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly others: (painting: Echoing) => readonly Echoing[],
    private readonly clock: Clock = REAL,
  ) {}

  /** Something was painted in the series by that pane, and more may follow. */
  painted(painting: Echoing, seriesId: number): void {
    if (this.timer !== null) return;
    const wait = Math.max(0, this.rested - this.clock.now());
    this.timer = this.clock.later(() => this.draw(painting, seriesId), wait);
  }

  /** The stroke is over: all panes are drawn anyway. */
  over(): void {
    if (this.timer !== null) this.clock.cancel(this.timer);
    this.timer = null;
  }

  private draw(painting: Echoing, seriesId: number): void {
    this.timer = null;
    const begun = this.clock.now();
    for (const pane of this.others(painting)) pane.echo(seriesId);
    const ended = this.clock.now();
    this.rested = ended + Math.max(LEAST_MS, (ended - begun) * (SHARE - 1));
  }
}
