/** Several series of points, each with x values of its own, brought onto one x axis as columns. */
export interface Point {
  x: number;
  y: number | null;
  low?: number | null;
  high?: number | null;
  /** What the value rests on, told after it. */
  note?: string;
}

/** How a series is drawn. Colour never alone: each look has its own line and its own marker. */
export type Look = 'accent' | 'plain' | 'line' | 'reference' | 'bars' | 'point';

export interface PlotSeries {
  label: string;
  look: Look;
  points: readonly Point[];
}

export type Column = (number | null)[];

export interface SeriesColumns {
  y: Column;
  low: Column;
  high: Column;
  notes: string[];
  hasInterval: boolean;
}

export interface Joined {
  x: number[];
  series: SeriesColumns[];
}

/** Every x, as often as the series that has it most often (a vertical step has it twice). */
function sharedX(series: readonly PlotSeries[]): number[] {
  const times = new Map<number, number>();
  for (const { points } of series) {
    const own = new Map<number, number>();
    for (const { x } of points) own.set(x, (own.get(x) ?? 0) + 1);
    for (const [x, count] of own) times.set(x, Math.max(times.get(x) ?? 0, count));
  }
  const sorted = [...times].sort(([a], [b]) => a - b);
  return sorted.flatMap(([x, count]) => new Array<number>(count).fill(x));
}

function columnsOf(points: readonly Point[], x: readonly number[]): SeriesColumns {
  const ordered = points.map((point, order) => ({ point, order }));
  ordered.sort((a, b) => a.point.x - b.point.x || a.order - b.order);
  const columns: SeriesColumns = { y: [], low: [], high: [], notes: [], hasInterval: false };
  let next = 0;
  for (const value of x) {
    const point = ordered[next]?.point;
    const here = point?.x === value ? point : undefined;
    if (here) next += 1;
    columns.y.push(here?.y ?? null);
    columns.low.push(here?.low ?? null);
    columns.high.push(here?.high ?? null);
    columns.notes.push(here?.note ?? '');
    columns.hasInterval ||= here?.low != null && here.high != null;
  }
  return columns;
}

export function join(series: readonly PlotSeries[]): Joined {
  const x = sharedX(series);
  return { x, series: series.map(({ points }) => columnsOf(points, x)) };
}

/** Rows at which any series has a value, in order: the stops of the arrow keys. */
export function stops({ x, series }: Joined): number[] {
  return x.map((_, row) => row).filter((row) => series.some(({ y }) => y[row] != null));
}

/** The stop after (or before) the row that is read now; from nowhere, the first or the last one. */
export function nextStop(all: readonly number[], now: number | null, step: 1 | -1): number | null {
  if (all.length === 0) return null;
  const at = now === null ? -1 : all.indexOf(now);
  if (at < 0) return (step === 1 ? all[0] : all.at(-1)) ?? null;
  return all[Math.min(all.length - 1, Math.max(0, at + step))] ?? null;
}

/** The drawn range: the data with a margin, never past the bounds that the quantity has. */
export function rangeOf(low: number, high: number, bounds: readonly [number, number]): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high))
    return [Math.max(0, bounds[0]), Math.min(1, bounds[1])];
  const margin = (high - low || Math.abs(high) || 1) * 0.08;
  return [Math.max(bounds[0], low - margin), Math.min(bounds[1], high + margin)];
}
