/**
 * What the interface says, by key, in the language that the page was served in. English is always here: other
 * languages are checked against it. Another one is loaded by `speak`, before anything of the application is.
 */
import { en } from './en';
import type { Plural, Text, Translation } from './shape';

export type Key = keyof typeof en;
export type Texts = Translation<typeof en>;
export type Language = keyof typeof LANGUAGES;
type Values = Record<string, string | number>;

/** Each by its own name, so that it is found by whoever reads it. */
export const LANGUAGES = { en: 'English', fr: 'Français' };

const others: Record<Exclude<Language, 'en'>, () => Promise<Texts>> = {
  fr: async () => (await import('./fr')).fr,
};

export let language: Language = 'en';
let texts: Texts = en;
/** Made when first needed: the browser takes long over them, and pictures need neither. */
let plural: Intl.PluralRules | null = null;
let number: Intl.NumberFormat | null = null;

/** From now on texts are of that language: its primary tag counts, and one that is not here is English. */
export async function speak(tag: string): Promise<void> {
  const [primary = ''] = tag.toLowerCase().split('-');
  texts = primary in others ? await others[primary as keyof typeof others]() : en;
  language = texts === en ? 'en' : (primary as Language);
  plural = number = null;
}

const isPlural = (text: Text): text is Plural => typeof text !== 'string';

function choose(text: Text, values: Values): string {
  if (!isPlural(text)) return text;
  plural ??= new Intl.PluralRules(language);
  return plural.select(Number(values.n ?? 0)) === 'one' ? text.one : text.other;
}

/**
 * The text of that key, with `{name}` replaced by the value of that name. `n` chooses the plural form;
 * `id` is a name, so its digits are not grouped.
 */
export function t(key: Key, values: Values = {}): string {
  return choose(texts[key], values).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (typeof value !== 'number' || name === 'id') return String(value);
    number ??= new Intl.NumberFormat(language);
    return number.format(value);
  });
}

/** For words that the server names by code: the code itself if it is new to us. */
export function word(group: string, code: string): string {
  const key = `${group}.${code}`;
  return key in en ? t(key as Key) : code.replaceAll('_', ' ');
}

/**
 * What a text of this language is called in English, for who looks for an action by the name that manuals and
 * colleagues use. Texts that end in a name ("Window: {name}") count, too. Empty if there is none, or it is the same.
 */
export function inEnglish(said: string): string {
  if (language === 'en') return '';
  for (const key of Object.keys(en) as Key[]) {
    const [ours, theirs] = [texts[key], en[key]];
    if (isPlural(ours) || isPlural(theirs)) continue;
    if (ours === said) return theirs === said ? '' : theirs;
    const [ourStart, theirStart] = [ours, theirs].map((text) => /^([^{]{3,})\{\w+\}$/.exec(text)?.[1]);
    if (!ourStart || !theirStart || !said.startsWith(ourStart)) continue;
    const name = said.slice(ourStart.length);
    return theirStart + (inEnglish(name) || name);
  }
  return '';
}
