/** The editing of one project's label schema: what the server says of it, what is kept, what is stored. */

import { checkLabelSchema } from '../../api/actions';
import type { SchemaEffects } from '../../api/types';
import { type Document, toSend } from './document';
import { Editor } from './editor.svelte';
import { type Fault, placed, sorted } from './faults';
import { stash, stashed, unstash } from './stash';

const PAUSE_MS = 350;

export class Work {
  readonly editor = new Editor();
  faults = $state.raw<readonly Fault[]>([]);
  effects = $state.raw<SchemaEffects | null>(null);
  /** What the faults and effects are about; another document than the editor's while a check is under way. */
  checked = $state.raw<Document | null>(null);
  checkFailed = $state('');
  /** When the draft that was found in this browser was kept; '' for none. */
  foundAt = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;
  #user = '';

  constructor(private readonly slug: string) {}

  /** Takes up what this browser kept, if it is not what is stored. */
  begin(user: string, version: number, document: Document): void {
    this.#user = user;
    const kept = stashed(user, this.slug);
    this.editor.load(version, document);
    if (!kept) return;
    this.editor.change(kept.document);
    if (this.editor.dirty) {
      this.editor.base = kept.base;
      this.foundAt = kept.at;
    } else this.editor.load(version, document);
  }

  /** The document is another one: it is kept here, and checked once the hands rest. */
  touched(): void {
    const { editor } = this;
    if (editor.dirty) stash(this.#user, this.slug, { base: editor.base, document: editor.document });
    else unstash(this.#user, this.slug);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.check(), PAUSE_MS);
  }

  /** What the server says of the document as it is now. */
  async check(): Promise<void> {
    clearTimeout(this.#timer);
    const { document } = this.editor;
    if (this.checked === document && !this.checkFailed) return;
    try {
      const { problems, effects } = await checkLabelSchema(this.slug, toSend(document));
      if (this.editor.document !== document) return;
      this.faults = sorted(placed(problems));
      this.effects = effects;
      this.checkFailed = '';
      this.checked = document;
    } catch (error) {
      this.checkFailed = error instanceof Error ? error.message : String(error);
    }
  }

  discard(version: number, document: Document): void {
    unstash(this.#user, this.slug);
    this.editor.load(version, document);
    this.foundAt = '';
  }

  stored(version: number, document: Document): void {
    this.editor.load(version, document, { keep: true });
    unstash(this.#user, this.slug);
    this.foundAt = '';
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
