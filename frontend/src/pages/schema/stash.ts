/** What was edited and not saved, kept in this browser for this person, so that a reload loses nothing. */

import type { Document } from './document';

export interface Stashed {
  base: number;
  document: Document;
  at: string;
}

const keyOf = (username: string, slug: string): string => `consilium.schema.${username}.${slug}`;

export function stashed(username: string, slug: string): Stashed | null {
  try {
    const found = JSON.parse(localStorage.getItem(keyOf(username, slug)) ?? 'null') as Stashed | null;
    return found && typeof found.base === 'number' && typeof found.document === 'object' ? found : null;
  } catch {
    return null;
  }
}

/** False where the browser has no room for it. */
export function stash(username: string, slug: string, kept: Omit<Stashed, 'at'>): boolean {
  try {
    localStorage.setItem(keyOf(username, slug), JSON.stringify({ ...kept, at: new Date().toISOString() }));
    return true;
  } catch {
    return false;
  }
}

export const unstash = (username: string, slug: string): void =>
  localStorage.removeItem(keyOf(username, slug));
