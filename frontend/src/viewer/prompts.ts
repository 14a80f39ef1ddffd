/** Prompts as points of the frame or the plane they were made in, and what is drawn of them in a viewport. */

import type { SuggestedShape } from './suggested';
import type { Plane } from './plane';
import type { Point, Vector } from './types';

export type PromptKind = 'point' | 'scribble' | 'box';

interface Meant {
  kind: PromptKind;
  /** What is prompted belongs to the structure. */
  positive: boolean;
}

/** Of a box, `points` are two opposite corners. */
export interface FramePrompt extends Meant {
  /** Of the series, from 0. */
  frame: number;
  points: readonly Point[];
}

/** Made in a plane across the images of the series. Of a box, `voxels` are its four corners in turn. */
export interface PlanePrompt extends Meant {
  frame: null;
  /** Column, row and frame. */
  voxels: readonly Vector[];
}

export type Prompt = FramePrompt | PlanePrompt;

/** How the next prompt is meant. */
export interface PromptMode {
  positive: boolean;
  drag: 'scribble' | 'box';
  colour: string;
}

/** What prompts are made for; each viewport has its own taker. */
export interface PromptTaker {
  /** Null while nothing can be prompted there. */
  begin(other: boolean): PromptMode | null;
  /** In patient space, in the order in which it was drawn; one point is a click. */
  finish(points: readonly (readonly [number, number, number])[], mode: PromptMode): void;
}

/** What is seen of a prompt in one picture, in its pixels: its outline, and where its sign stands. */
export interface SeenPrompt {
  positive: boolean;
  sign: Point | null;
  lines: readonly { points: readonly Point[]; closed: boolean }[];
  /** Of a box: dashed, and in the colour of what is inside. */
  isBox: boolean;
}

/** What is drawn over the frame shown. */
export interface PromptView {
  plane: Plane;
  prompts: readonly SeenPrompt[];
  preview: SuggestedShape | null;
  /** A newer prompt is being answered: the preview is that of those before. */
  stale: boolean;
}

const takers = new Map<string, PromptTaker>();
const views = new Map<string, PromptView>();

export function promptWith(viewportId: string, taker: PromptTaker): () => void {
  takers.set(viewportId, taker);
  return () => takers.delete(viewportId);
}

export const takerOf = (viewportId: string): PromptTaker | undefined => takers.get(viewportId);

/** From now on this is drawn in that viewport whenever a frame is; null ends it. */
export function showPrompts(viewportId: string, view: PromptView | null): void {
  if (view) views.set(viewportId, view);
  else views.delete(viewportId);
}

export const promptsShown = (viewportId: string): PromptView | null => views.get(viewportId) ?? null;

const MOST_POINTS = 1000;
const APART_PX = 0.5;

export const thousandths = (value: number): number => Math.round(value * 1000) / 1000;

/** A prompt within an image of that size; null where it lies outside altogether. */
export function promptOf(
  drawn: readonly Point[],
  { positive, drag }: Pick<PromptMode, 'positive' | 'drag'>,
  frame: number,
  { rows, columns }: { rows: number; columns: number },
): FramePrompt | null {
  const [first] = drawn;
  const inside = ([x, y]: Point): boolean => x >= -0.5 && y >= -0.5 && x <= columns - 0.5 && y <= rows - 0.5;
  if (!first || !drawn.some(inside)) return null;
  const within = ([x, y]: Point): Point => [
    thousandths(Math.min(Math.max(x, -0.5), columns - 0.5)),
    thousandths(Math.min(Math.max(y, -0.5), rows - 0.5)),
  ];
  if (drawn.length === 1) return { kind: 'point', positive, frame, points: [within(first)] };
  const last = drawn.at(-1) as Point;
  // A box says where a structure is; there is no negative one.
  if (drag === 'box') return { kind: 'box', positive: true, frame, points: [within(first), within(last)] };
  return { kind: 'scribble', positive, frame, points: thinned(drawn.filter(inside)).map(within) };
}

/** Fewer points of a line, none closer to the next than half a pixel. */
export function thinned(line: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of line) {
    const before = kept.at(-1);
    if (!before || Math.hypot(point[0] - before[0], point[1] - before[1]) >= APART_PX) kept.push(point);
  }
  const step = Math.ceil(kept.length / MOST_POINTS);
  return kept.filter((_, at) => at % step === 0 || at === kept.length - 1).slice(-MOST_POINTS);
}
