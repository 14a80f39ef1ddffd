/** A window of its own for a part of the room, so that a reader with two screens gives one to the images. */

import { shortcuts } from '../../state/shortcuts.svelte';

const NAME = 'consilium-second';
const FEATURES = 'popup,width=420,height=900';
const STYLES = 'link[rel="stylesheet"], style';

export class SecondWindow {
  opened = $state(false);
  private other: Window | null = null;
  private ends: (() => void)[] = [];

  /** Where the part lies now. */
  get document(): Document {
    return this.other?.document ?? document;
  }

  /**
   * Opens it and has it filled; `fill` says how to empty it again. False where the browser does not allow
   * another window.
   */
  open(fill: (root: HTMLElement) => () => void, watch: (other: Window) => () => void): boolean {
    const other = window.open('', NAME, FEATURES);
    if (!other) return false;
    const close = () => this.close();
    this.other = other;
    const root = dressed(other.document);
    this.ends = [
      followStyles(other.document),
      shortcuts.listenIn(other),
      watch(other),
      fill(root),
      listen(other, 'pagehide', close),
      listen(window, 'pagehide', close),
      () => other.close(),
    ];
    this.opened = true;
    return true;
  }

  close(): void {
    const ends = this.ends.splice(0);
    this.other = null;
    this.opened = false;
    for (const end of ends) end();
  }

  entitle(title: string): void {
    if (this.other) this.other.document.title = title;
  }
}

function listen(target: Window, type: string, does: () => void): () => void {
  target.addEventListener(type, does);
  return () => target.removeEventListener(type, does);
}

/** An empty page; one that was left behind by a page before has something in it. */
function dressed(other: Document): HTMLElement {
  other.documentElement.lang = document.documentElement.lang;
  other.head.replaceChildren();
  const root = other.createElement('div');
  root.className = 'second-window';
  other.body.replaceChildren(root);
  return root;
}

/** Parts of the page bring their styles along when they are first shown. */
function followStyles(other: Document): () => void {
  const copy = () =>
    other.head.replaceChildren(
      ...[...document.head.querySelectorAll(STYLES)].map((node) => other.importNode(node, true)),
      ...other.head.querySelectorAll('title'),
    );
  copy();
  const watched = new MutationObserver(copy);
  watched.observe(document.head, { childList: true });
  return () => watched.disconnect();
}
