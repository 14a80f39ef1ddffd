/** The name of the person who reads: the page says it; otherwise asked once, and again if there was no answer. */

import { get } from '../../api/http';
import type { Me } from '../../api/types';

let username: Promise<string> | null = null;

const said = (): string => document.documentElement.dataset.user ?? '';

export function whoAmI(): Promise<string> {
  username ??= said() ? Promise.resolve(said()) : ask();
  return username;
}

const ask = (): Promise<string> =>
  get<Me>('me').then(
    (me) => me.username,
    (error) => {
      username = null;
      throw error;
    },
  );
