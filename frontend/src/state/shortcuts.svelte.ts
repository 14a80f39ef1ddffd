/** What the page that is shown can do by key, the list of it that `?` opens, and the palette of Ctrl+K. */
import { untrack } from 'svelte';
import { tinykeys } from 'tinykeys';
import { layoutsOf } from '../keys/notation';

export interface Shortcut {
  /** Of an action of the reading room, whose keys a reader may change. */
  id?: string;
  /** In tinykeys' notation: "j", "g l" (one after the other), "Enter"; each does it. */
  keys: readonly string[];
  label: string;
  /** The layer of the reading room in which the list shows it; without one, it is the page's. */
  group?: string;
  /** With Control held down, or by a function key, it works within a text field too. */
  inFields?: boolean;
  run: () => void;
}

const STORED = 'consilium.single-key-shortcuts';
const TYPING =
  'input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable="true"]';
const DIALOGS = '[role="dialog"], [role="alertdialog"], [role="menu"]';
const OPERATED = 'input:is([type=checkbox], [type=radio], [type=range])';
const OPERATES = [' ', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'];
const OPERATES_SLIDER = ['Home', 'End', 'PageUp', 'PageDown'];
const ACTS_ON_ENTER = 'a[href], button, summary, [role="button"], [role="tab"], [role="menuitem"]';

/** A key that belongs to what has the focus, or to an open dialog or menu, is not ours. */
export function isTaken(event: KeyboardEvent, inFields = false): boolean {
  if (event.defaultPrevented || event.isComposing) return true;
  // Not `instanceof`: what lies in another window has that window's Element.
  const target = event.target && 'closest' in event.target ? (event.target as Element) : null;
  const commands = event.ctrlKey || event.metaKey || /^F[0-9]+$/.test(event.key);
  if (target?.closest(DIALOGS)) return true;
  if (target?.closest(TYPING)) return !(inFields && commands);
  if (OPERATES.includes(event.key) && target?.matches(OPERATED)) return true;
  if (OPERATES_SLIDER.includes(event.key) && target?.matches('input[type=range]')) return true;
  const presses = (event.key === 'Enter' || event.key === ' ') && !commands;
  return presses && !!target?.closest(ACTS_ON_ENTER);
}

class Shortcuts {
  /** Keys that write a character can be switched off, for speech input and for hands that slip. */
  enabled = $state(localStorage.getItem(STORED) !== 'off');
  active = $state.raw<readonly Shortcut[]>([]);
  sheetOpen = $state(false);
  paletteOpen = $state(false);
  /** What was really pressed, of what was heard from another window. */
  readonly #pressed = new WeakMap<KeyboardEvent, KeyboardEvent>();

  setEnabled(on: boolean): void {
    this.enabled = on;
    localStorage.setItem(STORED, on ? 'on' : 'off');
  }

  open(): void {
    this.sheetOpen = true;
  }

  /** Binds shortcuts until the returned function is called; made for `$effect`. */
  bind(list: readonly Shortcut[]): () => void {
    this.active = untrack(() => [...this.active, ...list]);
    const bindings = list.flatMap((shortcut) => {
      const press = (event: KeyboardEvent) => this.#press(event, shortcut);
      return shortcut.keys.flatMap(layoutsOf).map((one) => [one, press]);
    });
    const unbind = tinykeys(window, Object.fromEntries(bindings));
    return () => {
      this.active = this.active.filter((shortcut) => !list.includes(shortcut));
      unbind();
    };
  }

  /** Keys pressed in another window of this page count as pressed here, until the returned function is called. */
  listenIn(other: Window): () => void {
    const hear = (event: KeyboardEvent) => {
      const { key, code, ctrlKey, altKey, shiftKey, metaKey, repeat, isComposing } = event;
      const modifierAltGraph = event.getModifierState('AltGraph');
      const init = { key, code, ctrlKey, altKey, shiftKey, metaKey, modifierAltGraph, repeat, isComposing };
      const heard = new KeyboardEvent('keydown', { ...init, bubbles: true, cancelable: true });
      this.#pressed.set(heard, event);
      if (!window.dispatchEvent(heard)) event.preventDefault();
    };
    other.addEventListener('keydown', hear);
    return () => other.removeEventListener('keydown', hear);
  }

  /** A key of the row of digits that writes a sign here, and the sign has an action of its own: "-" on a French one. */
  #isSignOfAnother({ key, code, shiftKey }: KeyboardEvent, { keys }: Shortcut): boolean {
    const isSign = /^Digit\d$/.test(code) && !shiftKey && key !== code.slice(-1);
    return isSign && !keys.includes(key) && this.active.some((other) => other.keys.includes(key));
  }

  #press(heard: KeyboardEvent, shortcut: Shortcut): void {
    const { run, inFields } = shortcut;
    const event = this.#pressed.get(heard) ?? heard;
    const single = event.key.length === 1 && !(event.ctrlKey || event.metaKey || event.altKey);
    if (this.sheetOpen || this.paletteOpen || this.#isSignOfAnother(event, shortcut)) return;
    if ((single && !this.enabled) || isTaken(event, inFields)) return;
    heard.preventDefault();
    run();
  }
}

export const shortcuts = new Shortcuts();
