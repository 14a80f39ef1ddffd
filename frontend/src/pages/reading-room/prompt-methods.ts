/** The methods that answer prompts, in words; one that is new to this page has its code for a name. */

import { type Key, t } from '../../strings';

const WORDS: Record<string, readonly [name: Key, about: Key]> = {
  random_walk: ['method.random_walk', 'method.random_walkText'],
  network: ['method.network', 'method.networkText'],
};

export function nameOfMethod(code: string): string {
  const words = WORDS[code];
  return words ? t(words[0]) : code;
}

/** What it does and where its limits are; '' where this page does not know. */
export function aboutMethod(code = ''): string {
  const words = WORDS[code];
  return words ? t(words[1]) : '';
}
