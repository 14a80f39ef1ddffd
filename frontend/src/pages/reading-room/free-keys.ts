/** After a click with the mouse, keys belong to the image again: an arrow must scroll, not change an answer. */

const HOLDS_KEYS = 'button, input:is([type=radio], [type=checkbox], [type=range])';

export function freeKeys({ detail, currentTarget }: MouseEvent): void {
  const within = currentTarget as HTMLElement;
  // Buttons that are pressed by key are clicked too, without a count.
  if (detail === 0) return;
  // The window's own clock: that of a window behind it is slow.
  within.ownerDocument.defaultView?.setTimeout(() => {
    const focused = within.ownerDocument.activeElement as HTMLElement | null;
    if (focused?.matches(HOLDS_KEYS) && within.contains(focused)) focused.blur();
  });
}
