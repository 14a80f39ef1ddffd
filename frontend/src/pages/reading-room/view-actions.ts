/** What keys and buttons do with the image alone. */

import type { ViewActions } from '../../keys/actions';
import type { Viewer } from '../../viewer/viewer';

/** Stops what plays, or else puts the magnifier away; false if there was neither. */
export function comeToRest({ state, cine, aids }: Viewer): boolean {
  if (state.cine.playing) cine.pause();
  else if (state.aids.magnifier) aids.toggle('magnifier');
  else return false;
  return true;
}

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
