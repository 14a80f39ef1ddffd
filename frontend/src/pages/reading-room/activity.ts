/** How long the reader has really worked on a case: gaps longer than a minute do not count. */

const IDLE_AFTER_MS = 60_000;
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'wheel'] as const;

export class Activity {
  private active = 0;
  private last: number;

  constructor(
    private base: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.last = this.now();
  }

  /** The reader did something. */
  sign(): void {
    const time = this.now();
    this.active += Math.min(time - this.last, IDLE_AFTER_MS);
    this.last = time;
  }

  /** Seconds so far, up to this moment. */
  get seconds(): number {
    const running = Math.min(this.now() - this.last, IDLE_AFTER_MS);
    return Math.round((this.base + (this.active + running) / 1000) * 10) / 10;
  }

  /** Seconds since the reader last did something. */
  get idleSeconds(): number {
    return (this.now() - this.last) / 1000;
  }

  restart(base: number): void {
    this.base = base;
    this.active = 0;
    this.last = this.now();
  }

  watch(target: EventTarget): () => void {
    const sign = () => this.sign();
    for (const name of SIGNS) target.addEventListener(name, sign, { passive: true, capture: true });
    return () => {
      for (const name of SIGNS) target.removeEventListener(name, sign, { capture: true });
    };
  }
}
