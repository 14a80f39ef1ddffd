/** What of a suggestion is to be drawn, in pixels of the frame shown; no drawing library in here. */

import { cut } from './guides';
import type { Labelmap } from './labelmap';
import { bordersOf } from './mask-outline';
import { frameIndexOf } from './measure';
import { type Line, linesOf } from './outlines';
import { type Plane, planeOf, toPixel } from './plane';
import { sample } from './section';
import type { LabelClass, Mark, Point, SeriesDisplay } from './types';

export interface SuggestedShape {
  id: string;
  /** Class and tag: "AI Lesion". */
  text: string;
  colour: string;
  lines: Line[];
  /** Masks are hatched; what is drawn with lines is outlined only. */
  hatched: boolean;
  /** The one that the keys act on. */
  current: boolean;
  /** How its line is dashed, and at how many degrees it is hatched, where not as suggestions are. */
  dash?: string;
  slant?: number;
}

export interface SuggestedView {
  plane: Plane;
  opacity: number;
  shapes: SuggestedShape[];
}

const CROSS_PX = 4;

const views = new Map<string, SuggestedView>();

/** From now on these shapes are drawn in that viewport whenever a frame is; null ends it. */
export function suggestWith(viewportId: string, view: SuggestedView | null): void {
  if (view) views.set(viewportId, view);
  else views.delete(viewportId);
}

export const suggestedView = (viewportId: string): SuggestedView | null => views.get(viewportId) ?? null;

/** What is seen of a mark on that frame, or in that plane through its series. */
export function markLines(mark: Mark, series: SeriesDisplay, index: number): Line[] {
  const plane = planeOf(series, index);
  const { section } = series;
  if (section) {
    return cut(mark, section.source, plane, section.grid.step / 2).map(([from, to]) => {
      const [a, b] = [toPixel(plane, from), toPixel(plane, to)];
      return from === to ? cross(a) : { points: [a, b], closed: false };
    });
  }
  if (frameIndexOf(series, mark) !== index) return [];
  return linesOf(mark, plane).map((line) => (line.points.length > 1 ? line : cross(line.points[0] as Point)));
}

const cross = ([x, y]: Point): Line => ({
  points: [
    [x - CROSS_PX, y],
    [x + CROSS_PX, y],
    [x, y],
    [x, y - CROSS_PX],
    [x, y + CROSS_PX],
  ],
  closed: false,
});

/** The borders of a class in a suggested mask, kept for as long as the same picture is looked at. */
export class MaskBorders {
  private readonly kept = new Map<number, Line[]>();
  private picture: Uint8Array = new Uint8Array(0);
  private of = '';

  constructor(readonly map: Labelmap) {}

  /** On that frame of the series of the mask, or in that plane through it. */
  on(series: SeriesDisplay, index: number, value: number): Line[] {
    const of = `${series.id} ${index}`;
    if (of !== this.of) {
      this.of = of;
      this.kept.clear();
      this.picture = this.labels(series, index);
    }
    let lines = this.kept.get(value);
    if (!lines) {
      const borders = bordersOf(this.picture, series.rows, series.columns, value);
      lines = borders.map((points) => ({ points, closed: true }));
      this.kept.set(value, lines);
    }
    return lines;
  }

  private labels({ section }: SeriesDisplay, index: number): Uint8Array {
    const { map } = this;
    if (!section) return map.frame(index);
    const frames = Array.from({ length: map.frames }, (_, frame) => map.frame(frame));
    return sample(frames, section.box, section.grid, index, { fill: 0, nearest: true }) as Uint8Array;
  }
}

export const NO_CLASS = '#e8eaed';
export const colourOf = (label: LabelClass | undefined): string => label?.colour ?? NO_CLASS;
