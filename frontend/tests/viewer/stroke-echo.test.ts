import { beforeEach, expect, it } from 'vitest';
import { type Clock, type Echoing, StrokeEcho } from '../../src/viewer/stroke-echo';

let now: number;
let due: { at: number; run: () => void } | null;
let drawn: number[];
let cost: number;

const clock: Clock = {
  now: () => now,
  later(run, ms) {
    due = { at: now + ms, run };
    return 1 as unknown as ReturnType<typeof setTimeout>;
  },
  cancel() {
    due = null;
  },
};
const under: Echoing = { echo: () => expect.unreachable('the pane under the brush draws itself') };
const other: Echoing = {
  echo(series) {
    drawn.push(series);
    now += cost;
  },
};
let echo: StrokeEcho;

beforeEach(() => {
  [now, due, drawn, cost] = [1000, null, [], 10];
  echo = new StrokeEcho((painting) => [under, other].filter((pane) => pane !== painting), clock);
});

function pass(ms: number): void {
  const until = now + ms;
  while (due && due.at <= until) {
    const { at, run } = due;
    due = null;
    now = Math.max(now, at);
    run();
  }
  now = Math.max(now, until);
}

it('shows the beginning of a stroke at once, and after it as seldom as the work is dear', () => {
  cost = 40;
  for (let move = 0; move < 100; move++) {
    echo.painted(under, 7);
    pass(10);
  }
  expect(drawn.length).toBeGreaterThan(3);
  expect((drawn.length * cost) / (now - 1000)).toBeLessThan(0.25);
  expect(new Set(drawn)).toEqual(new Set([7]));
});

it('draws what was painted last, though no move follows', () => {
  echo.painted(under, 7);
  pass(0);
  echo.painted(under, 7);
  expect(drawn).toHaveLength(1);
  pass(500);
  expect(drawn).toHaveLength(2);
});

it('draws nothing once the stroke is over', () => {
  echo.painted(under, 7);
  echo.over();
  pass(500);
  expect(drawn).toEqual([]);
});
