import { describe, expect, it } from 'vitest';
import { Cine, type CineState, following, rateOf, stepRate } from '../../src/viewer/cine';

/** A reel whose clock the test turns, and whose frames may take their time. */
function reel(count: number) {
  const ticks: ((now: number) => void)[] = [];
  const doors: (() => void)[] = [];
  const seen = {
    index: 0,
    shown: [] as number[],
    state: null as CineState | null,
    held: false,
    failed: false,
  };
  const cine = new Cine({
    count: () => count,
    index: () => seen.index,
    show: (index) => {
      if (index === seen.index) return Promise.resolve();
      const arrive = () => {
        seen.index = index;
        seen.shown.push(index);
      };
      if (!seen.held) {
        arrive();
        return Promise.resolve();
      }
      return new Promise((done) =>
        doors.push(() => {
          arrive();
          done();
        }),
      );
    },
    failed: () => seen.failed,
    tell: (state) => {
      seen.state = state;
    },
    nextTick: (run) => void ticks.push(run),
  });
  const until = async (from: number, to: number, step = 10) => {
    for (let now = from; now <= to; now += step) {
      for (const tick of ticks.splice(0)) tick(now);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { cine, seen, doors, until };
}

describe('the rate', () => {
  it('is what the frame time of the object means', () => {
    expect(rateOf(33.333)).toBe(30);
    expect(rateOf(69.47)).toBe(14.4);
    expect(rateOf(0.01)).toBe(60);
    expect(rateOf(null)).toBeNull();
  });

  it('goes up and down by steps that can be seen, and ends somewhere', () => {
    expect(stepRate(14.4, 1)).toBe(15);
    expect(stepRate(14.4, -1)).toBe(12);
    expect([stepRate(60, 1), stepRate(1, -1)]).toEqual([60, 1]);
  });
});

describe('the frame after the last one', () => {
  it('is the first one, or the last but one', () => {
    expect(following(2, 3, 1, false)).toEqual({ index: 0, direction: 1 });
    expect(following(2, 3, 1, true)).toEqual({ index: 1, direction: -1 });
    expect(following(0, 3, -1, true)).toEqual({ index: 1, direction: 1 });
  });
});

describe('playing', () => {
  it('shows each frame in its turn, at the recorded rate, and stops where it is', async () => {
    const { cine, seen, until } = reel(3);
    cine.open(1, 100);
    cine.play();
    await until(0, 460);
    expect(seen.shown).toEqual([1, 2, 0, 1]);
    cine.pause();
    await until(470, 900);
    expect(seen.shown).toEqual([1, 2, 0, 1]);
    expect(seen.state).toMatchObject({ playing: false, rate: 10, recorded: 10 });
  });

  it('waits for a frame that is not there yet, leaves none out, and says that it lags', async () => {
    const { cine, seen, doors, until } = reel(30);
    cine.open(1, 50);
    cine.play();
    await until(0, 100);
    seen.held = true;
    await until(110, 400);
    const before = seen.shown.length;
    doors.shift()?.();
    seen.held = false;
    await until(410, 1600, 80);
    expect(seen.shown).toEqual(seen.shown.map((_, i) => i + 1));
    expect(seen.shown.length).toBeGreaterThan(before);
    expect(seen.state?.actual).toBeLessThan(20);
    expect(seen.state?.actual).toBeGreaterThan(0);
  });

  it('keeps the rate that the reader chose for a series until another case', () => {
    const { cine, seen } = reel(3);
    cine.open(1, 100);
    cine.faster(1);
    cine.toggleBounce();
    cine.open(2, null);
    expect(seen.state).toMatchObject({ rate: 10, recorded: null, bounce: false });
    cine.open(1, 100);
    expect(seen.state).toMatchObject({ rate: 12, bounce: true });
    cine.asRecorded();
    expect(seen.state?.rate).toBe(10);
    cine.forget();
    cine.open(1, 100);
    expect(seen.state).toMatchObject({ rate: 10, bounce: false });
  });

  it('stops at a frame that cannot be shown', async () => {
    const { cine, seen, until } = reel(3);
    cine.open(1, 100);
    seen.failed = true;
    cine.play();
    await until(0, 500);
    expect(seen.state?.playing).toBe(false);
  });

  it('of a single image does not begin', () => {
    const { cine, seen } = reel(1);
    cine.open(1, null);
    cine.play();
    expect(seen.state?.playing).toBe(false);
  });
});
