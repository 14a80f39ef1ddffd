/** A stack viewport of the drawing library within an element. */

import { Enums, RenderingEngine, type Types, utilities } from '@cornerstonejs/core';

interface Made {
  id: string;
  engine: RenderingEngine;
  viewport: Types.IStackViewport;
}

/**
 * Each draws in a context of its own: in a shared one, the library trips over a picture that was replaced
 * before it was drawn.
 */
export function viewportIn(element: HTMLDivElement): Made {
  const id = utilities.uuidv4();
  const engine = new RenderingEngine(`engine-${id}`);
  engine.enableElement({
    viewportId: `viewport-${id}`,
    type: Enums.ViewportType.STACK,
    element,
    defaultOptions: { background: [0, 0, 0] },
  });
  // A focused viewport would swallow every key; keys belong to the page.
  element.removeAttribute('tabindex');
  return { id, engine, viewport: engine.getViewport(`viewport-${id}`) as Types.IStackViewport };
}
