/** What every field of the form needs to know: the document, what is wrong with it, and how to change it. */

import { getContext, setContext } from 'svelte';
import type { Document } from './document';
import type { Fault } from './faults';

export interface Editing {
  readonly slug: string;
  readonly document: Document;
  readonly editable: boolean;
  readonly faults: readonly Fault[];
  /** One step of the history; changes of the same `field` that follow one another are one. */
  change(document: Document, field?: string): void;
}

const KEY = Symbol('editing');

export const provideEditing = (editing: Editing): Editing => setContext(KEY, editing);
export const getEditing = (): Editing => getContext<Editing>(KEY);
