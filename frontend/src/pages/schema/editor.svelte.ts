/** A label schema while it is edited. Every step can be undone until the page is left. */

import { same } from './diff';
import type { Document } from './document';

const STEPS = 300;

export class Editor {
  #now = $state.raw<Document>({});
  #done = $state.raw<readonly Document[]>([]);
  #undone = $state.raw<readonly Document[]>([]);
  #stored = $state.raw<Document>({});
  /** The field that was changed last: what is typed into it in one go is one step. */
  #field = '';
  /** The version that this was made from. */
  base = $state(0);

  readonly document = $derived(this.#now);
  readonly stored = $derived(this.#stored);
  readonly dirty = $derived(!same(this.#now, this.#stored));
  readonly canUndo = $derived(this.#done.length > 0);
  readonly canRedo = $derived(this.#undone.length > 0);

  /** Takes over what the server holds, and what is made of it; `keep` leaves the document and its history. */
  load(version: number, stored: Document, { draft = stored, keep = false } = {}): void {
    this.base = version;
    this.#stored = stored;
    if (keep) return;
    this.#now = draft;
    this.#done = this.#undone = [];
    this.#field = '';
  }

  change(document: Document, field = ''): void {
    if (document === this.#now) return;
    if (!field || field !== this.#field) this.#done = [...this.#done, this.#now].slice(-STEPS);
    this.#field = field;
    this.#undone = [];
    this.#now = document;
  }

  undo(): void {
    const before = this.#done.at(-1);
    if (!before) return;
    this.#undone = [...this.#undone, this.#now];
    this.#done = this.#done.slice(0, -1);
    this.#step(before);
  }

  redo(): void {
    const after = this.#undone.at(-1);
    if (!after) return;
    this.#done = [...this.#done, this.#now];
    this.#undone = this.#undone.slice(0, -1);
    this.#step(after);
  }

  /** The field was left: what is typed into it next is a step of its own. */
  settle(): void {
    this.#field = '';
  }

  #step(document: Document): void {
    this.#now = document;
    this.#field = '';
  }
}
