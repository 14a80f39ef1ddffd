/** What the interface says, by key. A language is one module of the same shape; English is the only one so far. */
import { en } from './en';

export type Key = keyof typeof en;
type Text = string | { one: string; other: string };
type Values = Record<string, string | number>;

const language = 'en';
const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);

function choose(text: Text, values: Values): string {
  if (typeof text === 'string') return text;
  return plural.select(Number(values.n ?? 0)) === 'one' ? text.one : text.other;
}

/**
 * The text of that key, with `{name}` replaced by the value of that name. `n` chooses the plural form;
 * `id` is a name, so its digits are not grouped.
 */
export function t(key: Key, values: Values = {}): string {
  return choose(en[key], values).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' && name !== 'id' ? number.format(value) : String(value);
  });
}

/** For words that the server names by code: the code itself if it is new to us. */
export function word(group: string, code: string): string {
  const key = `${group}.${code}`;
  return key in en ? t(key as Key) : code.replaceAll('_', ' ');
}
