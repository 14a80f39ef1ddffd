/** Keyboard shortcuts of the page that is shown, and the list of them that `?` opens. */
import { untrack } from 'svelte';
import { tinykeys } from 'tinykeys';

export interface Shortcut {
  /** In tinykeys' notation: "j", "g l" (one after the other), "Enter". */
  keys: string;
  label: string;
  /** Under which heading the list shows it; without one, under the page's. */
  group?: string;
  run: (event: KeyboardEvent) => void;
}

const STORED = 'consilium.single-key-shortcuts';
const TYPING =
  'input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable="true"]';
const OPERATED = 'input:is([type=checkbox], [type=radio], [type=range])';
const OPERATES = [' ', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'];
const OPERATES_SLIDER = ['Home', 'End', 'PageUp', 'PageDown'];
const ACTS_ON_ENTER = 'a[href], button, summary, [role="button"], [role="tab"], [role="menuitem"]';

/** A key that belongs to what has the focus, or to an open dialog or menu, is not ours. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(`${TYPING}, [role="dialog"], [role="alertdialog"], [role="menu"]`)) return true;
  if (OPERATES.includes(event.key) && target?.matches(OPERATED)) return true;
  if (OPERATES_SLIDER.includes(event.key) && target?.matches('input[type=range]')) return true;
  const presses = (event.key === 'Enter' || event.key === ' ') && !event.ctrlKey && !event.metaKey;
  return presses && !!target?.closest(ACTS_ON_ENTER);
}

/** What the key is called that Control stands for: on a Mac, Command does the same. */
export const MODIFIER = /^(Mac|iP)/.test(navigator.platform) ? '⌘' : 'Ctrl';

/** A sign such as ? or + needs Shift on one keyboard and none on another. */
function layoutsOf(keys: string): string[] {
  if (keys.startsWith('Control+')) return [keys, keys.replace('Control', 'Meta')];
  return /^[^\w\s]$/.test(keys) ? [keys, `Shift+${keys}`] : [keys];
}

class Shortcuts {
  /** Keys that write a character can be switched off, for speech input and for hands that slip. */
  enabled = $state(localStorage.getItem(STORED) !== 'off');
  active = $state.raw<readonly Shortcut[]>([]);
  sheetOpen = $state(false);

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
    const bindings = list.flatMap(({ keys, run }) => {
      const press = (event: KeyboardEvent) => this.#press(event, run);
      return layoutsOf(keys).map((one) => [one, press]);
    });
    const unbind = tinykeys(window, Object.fromEntries(bindings));
    return () => {
      this.active = this.active.filter((shortcut) => !list.includes(shortcut));
      unbind();
    };
  }

  #press(event: KeyboardEvent, run: Shortcut['run']): void {
    const single = event.key.length === 1 && !(event.ctrlKey || event.metaKey || event.altKey);
    if ((single && !this.enabled) || isTaken(event)) return;
    event.preventDefault();
    run(event);
  }
}

export const shortcuts = new Shortcuts();
