/** Reads per day as bars, with the days on which nobody read. */
import type { Progress } from '../../api/types';
import type { Point } from '../../plot/data';

const DAY_MS = 86_400_000;
/** At least this many days are shown, so that a first day is not one wide bar. */
const LEAST_DAYS = 14;

export const dayNumber = (iso: string): number => Math.floor(Date.parse(iso) / DAY_MS);
export const isoOf = (day: number): string => new Date(day * DAY_MS).toISOString();

/** One point per day, from the first read (or two weeks ago) to the last (or today). */
export function daily(days: Progress['reads_by_day'], today: string): Point[] {
  const reads = new Map(days.map(({ day, reads: count }) => [dayNumber(day), count]));
  const last = Math.max(dayNumber(today), ...reads.keys());
  const first = Math.min(last - LEAST_DAYS + 1, ...reads.keys());
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    x: first + at,
    y: reads.get(first + at) ?? 0,
  }));
}
