/** Numbers, times and sizes as a person reads them in the language of the page, which is spoken before this is loaded. */
import { language as spoken, t } from '.';

const language = spoken === 'en' ? 'en-GB' : spoken;

/** Makes it when it is first asked for: the browser takes long over each, and pictures need none. */
function once<Format>(make: () => Format): () => Format {
  let made: Format | undefined;
  return () => (made ??= make());
}
const times = (options: Intl.DateTimeFormatOptions) => once(() => new Intl.DateTimeFormat(language, options));

const whole = once(() => new Intl.NumberFormat(language));
const share = once(() => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }));
const relative = once(() => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }));
const day = times({ day: 'numeric', month: 'short', year: 'numeric' });
const shortDay = times({ day: 'numeric', month: 'short' });
const moment = times({ dateStyle: 'medium', timeStyle: 'short' });
const hourAndMinute = times({ hour: '2-digit', minute: '2-digit' });
const clock = times({ hour: '2-digit', minute: '2-digit', second: '2-digit' });

const SECONDS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];
const UNITS = spoken === 'fr' ? ['o', 'ko', 'Mo', 'Go', 'To'] : ['B', 'kB', 'MB', 'GB', 'TB'];
const fixed = new Map<number, Intl.NumberFormat>();

/** With that many digits behind the point, or the comma. */
export function decimal(value: number, digits: number): string {
  let format = fixed.get(digits);
  if (!format) {
    format = new Intl.NumberFormat(language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      useGrouping: false,
    });
    fixed.set(digits, format);
  }
  return format.format(value);
}

/** With no more digits than it has, and at most that many behind the point. */
export const plain = (value: number, digits = 2): string =>
  value.toLocaleString(language, { maximumFractionDigits: digits, useGrouping: false });

export const count = (value: number): string => whole().format(value);
export const percent = (value: number): string => share().format(value);
export const date = (iso: string): string => day().format(new Date(iso));
export const dayOfMonth = (iso: string): string => shortDay().format(new Date(iso));
export const dateTime = (iso: string): string => moment().format(new Date(iso));
export const clockTime = (iso: string): string => hourAndMinute().format(new Date(iso));
export const timeOfDay = (iso: string): string => clock().format(new Date(iso));

/** A metric's value: two or three figures, never more than the data carry; a dash when there is none. */
export function metric(value: number | null | undefined, figures = 3): string {
  return value == null ? '–' : decimal(value, figures);
}

export function interval(
  low: number | null | undefined,
  high: number | null | undefined,
  figures = 3,
): string {
  return low == null || high == null ? '' : `${decimal(low, figures)}–${decimal(high, figures)}`;
}

export function bytes(value: number): string {
  let unit = 0;
  let amount = value;
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : decimal(amount, 1)} ${UNITS[unit]}`;
}

/** "3 hours ago", "in 2 days". */
export function ago(iso: string, now: number = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  for (const [unit, size] of SECONDS) {
    if (Math.abs(seconds) >= size) return relative().format(Math.trunc(seconds / size), unit);
  }
  return t('time.now');
}

/** "2 h 05 min", "4 min", "35 s". */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  if (hours) return `${hours} h ${String(minutes).padStart(2, '0')} min`;
  return minutes ? `${minutes} min` : `${total} s`;
}
