/** The name of the person who reads: asked once, and asked again only if there was no answer. */

import { get } from '../../api/http';
import type { Me } from '../../api/types';

let username: Promise<string> | null = null;

export function whoAmI(): Promise<string> {
  username ??= get<Me>('me').then(
    (me) => me.username,
    (error) => {
      username = null;
      throw error;
    },
  );
  return username;
}
