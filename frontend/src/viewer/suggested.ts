/** What of a suggestion is to be drawn, in pixels of the frame shown; no drawing library in here. */

import { bordersOf } from './mask-outline';
import type { Labelmap } from './labelmap';
import type { Plane } from './plane';
import type { LabelClass, Mark, Point } from './types';

export interface SuggestedShape {
  id: string;
  /** Class and tag: "AI Lesion". */
  text: string;
  colour: string;
  lines: Point[][];
  closed: boolean;
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

const ROUND = 48;
const LANDMARK_PX = 4;

const views = new Map<string, SuggestedView>();

/** From now on these shapes are drawn in that viewport whenever a frame is; null ends it. */
export function suggestWith(viewportId: string, view: SuggestedView | null): void {
  if (view) views.set(viewportId, view);
  else views.delete(viewportId);
}

export const suggestedView = (viewportId: string): SuggestedView | null => views.get(viewportId) ?? null;

type Drawn = Pick<Mark, 'kind' | 'points_px'>;

/** The lines that make up a mark; a landmark is a small cross. */
export function linesOf({ kind, points_px: points }: Drawn): { lines: Point[][]; closed: boolean } {
  const [a, b, c, d] = points as [Point, Point, Point, Point];
  switch (kind) {
    case 'box':
      return { lines: [[a, [b[0], a[1]], b, [a[0], b[1]]]], closed: true };
    case 'circle':
      return { lines: [round(a, minus(b, a), turned(minus(b, a)))], closed: true };
    case 'ellipse':
      return {
        lines: [round(middle(a, b), half(minus(b, a)), half(minus(d, c)))],
        closed: true,
      };
    case 'contour':
      return { lines: [[...points]], closed: true };
    case 'bidirectional':
    case 'cobb_angle':
      return {
        lines: [
          [a, b],
          [c, d],
        ],
        closed: false,
      };
    case 'landmark':
      return { lines: cross(a), closed: false };
    default:
      return { lines: [[...points]], closed: false };
  }
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
const half = ([x, y]: Point): Point => [x / 2, y / 2];
const turned = ([x, y]: Point): Point => [-y, x];
const middle = (a: Point, b: Point): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

function round(centre: Point, first: Point, second: Point): Point[] {
  return Array.from({ length: ROUND }, (_, i) => {
    const angle = (2 * Math.PI * i) / ROUND;
    const [along, across] = [Math.cos(angle), Math.sin(angle)];
    return [
      centre[0] + along * first[0] + across * second[0],
      centre[1] + along * first[1] + across * second[1],
    ] as const;
  });
}

const cross = ([x, y]: Point): Point[][] => [
  [
    [x - LANDMARK_PX, y],
    [x + LANDMARK_PX, y],
  ],
  [
    [x, y - LANDMARK_PX],
    [x, y + LANDMARK_PX],
  ],
];

/** The borders of a class in a suggested mask, kept for as long as the same frame is looked at. */
export class MaskBorders {
  private readonly kept = new Map<number, Point[][]>();
  private frame = -1;

  constructor(readonly map: Labelmap) {}

  on(frame: number, value: number): Point[][] {
    if (frame !== this.frame) this.kept.clear();
    this.frame = frame;
    let lines = this.kept.get(value);
    if (!lines) {
      lines = bordersOf(this.map.frame(frame), this.map.rows, this.map.columns, value);
      this.kept.set(value, lines);
    }
    return lines;
  }
}

export const NO_CLASS = '#e8eaed';
export const colourOf = (label: LabelClass | undefined): string => label?.colour ?? NO_CLASS;
