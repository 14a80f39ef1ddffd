/** The editing of one project's label schema: what the server says of it, what is kept, what is stored. */

import { checkLabelSchema } from '../../api/actions';
import type { SchemaEffects } from '../../api/types';
import { type Document, toSend } from './document';
import { Editor } from './editor.svelte';
import { type Fault, placed, sorted } from './faults';
import { Stash, type Stashed } from './stash';
import { Tabs } from './tabs.svelte';

const PAUSE_MS = 350;
/** So long other tabs of this browser take at most to say that they are there. */
const ANSWERS_MS = 300;

export class Work {
  readonly editor = new Editor();
  faults = $state.raw<readonly Fault[]>([]);
  effects = $state.raw<SchemaEffects | null>(null);
  /** What the faults and effects are about; another document than the editor's while a check is under way. */
  checked = $state.raw<Document | null>(null);
  checkFailed = $state('');
  /** When the draft that was found in this browser was kept; '' for none. */
  foundAt = $state('');
  /** The same schema is changed in another tab, too. */
  get elsewhere(): boolean {
    return this.#tabs?.changing ?? false;
  }
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;
  #tabs = $state.raw<Tabs | null>(null);
  #stash: Stash | null = null;

  constructor(private readonly slug: string) {}

  /** Takes up what this tab kept, or one that is closed, if it is not what is stored. */
  begin(user: string, version: number, document: Document): void {
    const tabs = (this.#tabs = new Tabs(user, this.slug));
    const stash = (this.#stash = new Stash(user, this.slug, () => tabs.id));
    this.editor.load(version, document);
    if (stash.own) return this.takeUp(stash.own, version, document);
    this.#looking = setTimeout(() => {
      const left = this.editor.dirty ? null : stash.adopt(tabs.open);
      if (left) this.takeUp(left, version, document);
    }, ANSWERS_MS);
  }

  private takeUp(kept: Stashed, version: number, document: Document): void {
    this.editor.change(kept.document);
    if (this.editor.dirty) {
      this.editor.base = kept.base;
      this.foundAt = kept.at;
    } else this.editor.load(version, document);
  }

  /** The document is another one: it is kept here, and checked once the hands rest. */
  touched(): void {
    const { editor } = this;
    if (editor.dirty) this.#stash?.keep({ base: editor.base, document: editor.document });
    else this.#stash?.forget();
    this.#tabs?.tell(editor.dirty);
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
    this.#stash?.forget();
    this.editor.load(version, document);
    this.foundAt = '';
  }

  stored(version: number, document: Document): void {
    this.editor.load(version, document, { keep: true });
    this.#stash?.forget();
    this.foundAt = '';
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#looking);
    this.#tabs?.close();
  }
}
