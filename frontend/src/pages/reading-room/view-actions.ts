/** What keys and buttons do with the image alone. */

import type { ViewActions } from '../../keys/actions';
import type { Viewer } from '../../viewer/viewer';

export const viewActions = (viewer: () => Viewer | null, enterWindow: () => void): ViewActions => ({
  zoom: (factor) => viewer()?.look.zoomBy(factor),
  fit: () => viewer()?.look.fit(),
  reset: () => viewer()?.look.reset(),
  invert: () => viewer()?.look.invert(),
  flip: (axis) => viewer()?.look.flip(axis),
  rotate: (quarters) => viewer()?.look.rotate(quarters),
  aid: (aid) => viewer()?.aids.toggle(aid),
  play: () => viewer()?.cine.toggle(),
  faster: (by) => viewer()?.cine.faster(by),
  asRecorded: () => viewer()?.cine.asRecorded(),
  bounce: () => viewer()?.cine.toggleBounce(),
  enterWindow,
});
