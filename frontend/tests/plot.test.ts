import { describe, expect, it } from 'vitest';
import { curveSeries } from '../src/pages/overview/curve';
import { daily, dayNumber, isoOf } from '../src/pages/overview/days';
import { join, nextStop, type PlotSeries, rangeOf, stops } from '../src/plot/data';

const line = (...points: [number, number | null][]): PlotSeries => ({
  label: 'line',
  look: 'accent',
  points: points.map(([x, y]) => ({ x, y })),
});

describe('joining series', () => {
  it('gives each its values at its own x and nothing elsewhere', () => {
    const { x, series } = join([line([10, 1], [30, 3]), line([20, 2], [30, 4])]);
    expect(x).toEqual([10, 20, 30]);
    expect(series.map(({ y }) => y)).toEqual([
      [1, null, 3],
      [null, 2, 4],
    ]);
  });

  it('keeps a vertical step, whose x comes twice', () => {
    const { x, series } = join([line([0, 0], [0, 0.5], [1, 1]), line([0, 0], [1, 1])]);
    expect(x).toEqual([0, 0, 1]);
    expect(series[0]?.y).toEqual([0, 0.5, 1]);
    expect(series[1]?.y).toEqual([0, null, 1]);
  });

  it('sorts by x and keeps intervals beside their values', () => {
    const points = [
      { x: 2, y: 0.8, low: 0.7, high: 0.9 },
      { x: 1, y: 0.6, low: 0.5, high: 0.7 },
    ];
    const { series } = join([{ label: 'a', look: 'plain', points }]);
    expect(series[0]).toMatchObject({ y: [0.6, 0.8], low: [0.5, 0.7], high: [0.7, 0.9], hasInterval: true });
  });

  it('keeps beside each value what it rests on', () => {
    const points = [
      { x: 0.9, y: 0.8, note: '2 cases' },
      { x: 0.1, y: 0.2, note: '35 cases' },
    ];
    const { series } = join([{ label: 'a', look: 'accent', points }, line([0.5, 0.5])]);
    expect(series[0]?.notes).toEqual(['35 cases', '', '2 cases']);
  });
});

describe('reading a plot by keyboard', () => {
  it('stops where a value is, and nowhere else', () => {
    expect(stops(join([line([1, 5], [2, null], [3, 7])]))).toEqual([0, 2]);
  });

  it('enters at the near end, steps, and stays at the far end', () => {
    const all = [0, 2, 5];
    expect(nextStop(all, null, 1)).toBe(0);
    expect(nextStop(all, null, -1)).toBe(5);
    expect(nextStop(all, 0, 1)).toBe(2);
    expect(nextStop(all, 5, 1)).toBe(5);
    expect(nextStop([], null, 1)).toBeNull();
  });
});

describe('the range of an axis', () => {
  it('has a margin but never passes what the quantity can be', () => {
    const [low, high] = rangeOf(0.5, 0.99, [0, 1]);
    expect(low).toBeLessThan(0.5);
    expect(high).toBe(1);
  });

  it('is not empty for a single value', () => {
    const [low, high] = rangeOf(0.7, 0.7, [0, 1]);
    expect(high).toBeGreaterThan(low);
  });
});

describe('the learning curve', () => {
  const point = { round: 1, low: 0.6, high: 0.8, patients: 50, reader_minutes: 7.5, labels: 20 };
  const curve = {
    metric: 'auroc',
    higher_is_better: true,
    holdout_patients: 50,
    points: [
      { ...point, arm: 'active' as const, value: 0.7 },
      { ...point, arm: 'control' as const, value: null },
      { ...point, arm: 'all' as const, value: 0.9 },
    ],
  };

  it('compares the active arm with the control arm, and leaves out what was not measured', () => {
    const [active, control] = curveSeries(curve, 'labels');
    expect(active?.points).toEqual([{ x: 20, y: 0.7, low: 0.6, high: 0.8 }]);
    expect(control?.points).toEqual([]);
  });

  it('can be read against the readers’ time', () => {
    expect(curveSeries(curve, 'minutes')[0]?.points[0]?.x).toBe(7.5);
  });
});

describe('reads per day', () => {
  it('has the days on which nobody read, and at least two weeks', () => {
    const points = daily([{ day: '2026-11-20', reads: 4 }], '2026-11-23T15:00:00Z');
    expect(points).toHaveLength(14);
    expect(points.map(({ y }) => y).filter(Boolean)).toEqual([4]);
    expect(isoOf(points.at(-1)?.x ?? 0)).toBe('2026-11-23T00:00:00.000Z');
  });

  it('goes back to the first read, however long ago', () => {
    const days = [
      { day: '2026-10-01', reads: 1 },
      { day: '2026-11-23', reads: 2 },
    ];
    const points = daily(days, '2026-11-23T00:00:00Z');
    expect(points[0]).toEqual({ x: dayNumber('2026-10-01'), y: 1 });
    expect(points.at(-1)?.y).toBe(2);
    expect(points).toHaveLength(54);
  });
});
