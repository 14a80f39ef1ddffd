/** How a picture is looked at, read from the drawing library's viewport. */

import type { Types } from '@cornerstonejs/core';
import { edgeLetters, planeOf, scaleBar, toWorld } from './plane';
import type { ViewerState } from './state';
import type { SeriesDisplay, Window } from './types';
import { fromRange, isColour, storedWindow, windowOfPixels } from './windows';

/** The window to begin with: what the object asks for, else what its pixels suggest. */
export function firstWindow(series: SeriesDisplay, index: number, pixels: ArrayLike<number>): Window | null {
  return isColour(series) ? null : (storedWindow(series, index) ?? windowOfPixels(pixels));
}

export function windowOf(viewport: Types.IStackViewport, series: SeriesDisplay | null): Window | null {
  const range = viewport.getProperties().voiRange;
  return !series || !range || isColour(series) ? null : { name: '', ...fromRange(range) };
}

type Camera = Pick<ViewerState, 'zoom' | 'scale' | 'letters'>;

/** Zoom in screen pixels per image pixel, scale bar and edge letters; null while there is no picture. */
export function cameraOf(
  viewport: Types.IStackViewport,
  series: SeriesDisplay,
  index: number,
): Camera | null {
  const plane = planeOf(series, index);
  const onScreen = (column: number): Types.Point2 =>
    viewport.worldToCanvas([...toWorld(plane, [column, 0])] as Types.Point3);
  const [a, b] = [onScreen(0), onScreen(1)];
  const zoom = Math.hypot(b[0] - a[0], b[1] - a[1]);
  if (!Number.isFinite(zoom) || zoom === 0) return null;
  const width = viewport.element.clientWidth;
  const scale = plane.calibrated ? scaleBar(plane.columnSpacing / zoom, width) : null;
  return { zoom, scale, letters: edgeLetters(plane) };
}
