/** The kinds of case that *Read next* keeps to: they stand in the address, from the list on into the room. */

import { router } from '../../router.svelte';
import type { Within } from './types';

export const within = (): Within => ({
  modality: router.query('modality'),
  body_part: router.query('body_part'),
});

/** In words; '' if all kinds are read. */
export const kindsNamed = ({ modality, body_part: part }: Within): string =>
  [modality, part.toLowerCase()].filter(Boolean).join(' · ');

/** The address with what it narrows to, or without. */
export function narrowedTo(path: string, { modality, body_part }: Within): string {
  const query = new URLSearchParams(Object.entries({ modality, body_part }).filter(([, value]) => value));
  return query.size ? `${path}?${query}` : path;
}
