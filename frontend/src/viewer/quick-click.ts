/**
 * The drawing library holds a click back for 0.4 s, in case a second one follows. No tool here means anything
 * by two clicks, and a mark that comes late can come too late: after the reader's next key.
 */

import { Enums } from '@cornerstonejs/tools';

const { MOUSE_DOWN } = Enums.Events;

/** Makes clicks on the element count as soon as the button is up; returns what ends it. */
export function clickAtOnce(element: HTMLElement): () => void {
  let held: MouseEvent | null = null;
  const pressed = (event: MouseEvent) => (held = event);
  const passedOn = (event: Event) => {
    if (held) (event as CustomEvent<{ event: MouseEvent }>).detail.event = held;
    held = null;
  };
  // Another button ends the library's wait; what it then passes on is the press that it held.
  const released = () => {
    if (held) element.dispatchEvent(new MouseEvent('mousedown', { buttons: 0 }));
    held = null;
  };
  element.addEventListener('mousedown', pressed);
  element.addEventListener(MOUSE_DOWN, passedOn, true);
  // The library listens on the document, so that it hears of the release first.
  window.addEventListener('mouseup', released);
  return () => {
    element.removeEventListener('mousedown', pressed);
    element.removeEventListener(MOUSE_DOWN, passedOn, true);
    window.removeEventListener('mouseup', released);
  };
}
