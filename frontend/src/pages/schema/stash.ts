/**
 * What was edited and not saved, kept in this browser for this person, so that a reload loses nothing. Each
 * tab keeps its own; what a tab left behind that is closed is taken up by the next.
 */

import type { Document } from './document';

export interface Stashed {
  base: number;
  document: Document;
  at: string;
}

export class Stash {
  private readonly prefix: string;

  constructor(
    username: string,
    slug: string,
    private readonly tab: () => string,
  ) {
    this.prefix = `consilium.schema.${username}.${slug}.`;
  }

  private get key(): string {
    return this.prefix + this.tab();
  }

  /** What this tab kept. */
  get own(): Stashed | null {
    return read(this.key);
  }

  /** False where the browser has no room for it. */
  keep({ base, document }: Omit<Stashed, 'at'>): boolean {
    try {
      localStorage.setItem(this.key, JSON.stringify({ base, document, at: new Date().toISOString() }));
      return true;
    } catch {
      return false;
    }
  }

  forget(): void {
    localStorage.removeItem(this.key);
  }

  /** The newest that was left by a tab which is none of these; from now on it is this tab's. */
  adopt(open: ReadonlySet<string>): Stashed | null {
    const left = Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix) && key !== this.key)
      .filter((key) => !open.has(key.slice(this.prefix.length)))
      .map((key) => ({ key, kept: read(key) }))
      .toSorted((a, b) => (b.kept?.at ?? '').localeCompare(a.kept?.at ?? ''));
    const [newest] = left;
    if (!newest?.kept || !this.keep(newest.kept)) return null;
    localStorage.removeItem(newest.key);
    return newest.kept;
  }
}

function read(key: string): Stashed | null {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? 'null') as Stashed | null;
    return found && typeof found.base === 'number' && typeof found.document === 'object' ? found : null;
  } catch {
    return null;
  }
}
