/** The list of protocols while it is edited. Every step can be undone until the page is left. */

import { blank, codeFor, type Protocol } from './protocols';

const STEPS = 200;

interface State {
  protocols: readonly Protocol[];
  selected: number;
}

export class Editor {
  #now = $state.raw<State>({ protocols: [], selected: 0 });
  #done = $state.raw<readonly State[]>([]);
  #undone = $state.raw<readonly State[]>([]);
  #stored = $state.raw<readonly Protocol[]>([]);
  /** The version that this was made from. */
  base = $state(0);

  readonly protocols = $derived(this.#now.protocols);
  readonly selected = $derived(this.#now.selected);
  readonly current = $derived(this.#now.protocols[this.#now.selected] ?? null);
  readonly dirty = $derived(JSON.stringify(this.#now.protocols) !== JSON.stringify(this.#stored));
  readonly canUndo = $derived(this.#done.length > 0);
  readonly canRedo = $derived(this.#undone.length > 0);

  /** Takes over what the server holds. What was stored just now keeps its history. */
  load(version: number, protocols: readonly Protocol[], { keep = false } = {}): void {
    this.base = version;
    this.#stored = protocols;
    if (keep) return;
    this.#now = { protocols, selected: 0 };
    this.#done = this.#undone = [];
  }

  select(selected: number): void {
    this.#now = { ...this.#now, selected };
  }

  change(protocol: Protocol): void {
    const { protocols, selected } = this.#now;
    this.#to({ protocols: protocols.map((one, at) => (at === selected ? protocol : one)), selected });
  }

  add(name: string): void {
    const { protocols } = this.#now;
    this.#to({ protocols: [...protocols, blank(name, this.#codes())], selected: protocols.length });
  }

  duplicate(index: number, name: string): void {
    const { protocols } = this.#now;
    const copy = { ...(protocols[index] as Protocol), name, code: codeFor(name, this.#codes()) };
    this.#to({ protocols: protocols.toSpliced(index + 1, 0, copy), selected: index + 1 });
  }

  remove(index: number): void {
    const protocols = this.#now.protocols.toSpliced(index, 1);
    this.#to({ protocols, selected: Math.max(0, Math.min(this.#now.selected, protocols.length - 1)) });
  }

  /** One place up (-1) or down (1): an earlier one goes before a later one. */
  move(index: number, by: 1 | -1): void {
    const to = index + by;
    const one = this.#now.protocols[index];
    if (!one || to < 0 || to >= this.#now.protocols.length) return;
    this.#to({ protocols: this.#now.protocols.toSpliced(index, 1).toSpliced(to, 0, one), selected: to });
  }

  undo(): void {
    const before = this.#done.at(-1);
    if (!before) return;
    this.#undone = [...this.#undone, this.#now];
    this.#done = this.#done.slice(0, -1);
    this.#now = before;
  }

  redo(): void {
    const after = this.#undone.at(-1);
    if (!after) return;
    this.#done = [...this.#done, this.#now];
    this.#undone = this.#undone.slice(0, -1);
    this.#now = after;
  }

  #to(state: State): void {
    this.#done = [...this.#done, this.#now].slice(-STEPS);
    this.#undone = [];
    this.#now = state;
  }

  #codes(): string[] {
    return this.#now.protocols.map(({ code }) => code);
  }
}
