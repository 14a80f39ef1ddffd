/** What the viewer shows, as a plain value that any page can watch. */

import type { ValueRange } from '../voxels/ranges';
import { type CineState, STILL } from './cine';
import type { EdgeLetters } from './plane';
import type { Reading } from './probe';
import { type Turn, UPRIGHT } from './turn';
import type { DrawnKind, MarkKind, SeriesDisplay, Window } from './types';

const BRUSHES = ['brush', 'eraser', 'threshold'] as const;
/** In the order of the toolbar. */
export const PAINTING_TOOLS = [...BRUSHES, 'scissors', 'prompt'] as const;
export type PaintingTool = (typeof PAINTING_TOOLS)[number];
type LookingTool = 'window' | 'pan' | 'zoom' | 'crosshairs';
/** A contour drawn corner by corner is a tool of its own, not another kind of mark. */
export type Tool = LookingTool | DrawnKind | 'polygon' | PaintingTool;

const LOOKING: readonly Tool[] = ['window', 'pan', 'zoom', 'crosshairs'];
const isLooking = (tool: Tool): tool is LookingTool => LOOKING.includes(tool);
/** Whether a press of the button puts something on the image. */
export const isDrawing = (tool: Tool): boolean => !isLooking(tool);
export const hasBrush = (tool: Tool): boolean => BRUSHES.some((one) => one === tool);
/** Changes voxels. */
export const isPainting = (tool: Tool): tool is PaintingTool => PAINTING_TOOLS.some((one) => one === tool);
/** Works on one image at a time, and in no plane across several. */
export const needsImage = (tool: Tool): boolean => ['polygon', 'scissors'].includes(tool);
/** What a tool makes; null for what only changes the view. */
export function madeBy(tool: Tool): MarkKind | null {
  if (isLooking(tool)) return null;
  if (tool === 'polygon') return 'contour';
  return isPainting(tool) ? 'labelmap' : tool;
}

export interface Scissors {
  shape: 'freehand' | 'rectangle';
  /** Takes away what is inside, instead of filling it. */
  erase: boolean;
  /** Through all images, instead of the one shown. */
  all: boolean;
}

export interface Failure {
  message: string;
  retryable: boolean;
}

/** What helps to look, whatever the series: on until it is switched off. */
export interface Aids {
  magnifier: boolean;
  probe: boolean;
  /** What is written over the image. */
  overlay: boolean;
}

/** How the tools paint. */
export interface Painting {
  brush: { radiusMm: number; ball: boolean };
  /** The pixel values that the threshold brush paints; null until it is taken up. */
  threshold: ValueRange | null;
  scissors: Scissors;
}

export interface ViewerState extends Painting {
  phase: 'empty' | 'loading' | 'ready' | 'failed';
  failure: Failure | null;
  series: SeriesDisplay | null;
  /** The frame shown, and the one asked for while it loads. */
  index: number;
  wanted: number;
  loaded: number;
  window: Window | null;
  inverted: boolean;
  /** Screen pixels per image pixel. */
  zoom: number;
  turn: Turn;
  /** The whole image is in the viewport, as large as it fits. */
  fitted: boolean;
  letters: EdgeLetters;
  scale: { mm: number; px: number } | null;
  cine: CineState;
  aids: Aids;
  /** What lies under the pointer, while the probe is on. */
  reading: Reading | null;
  tool: Tool;
  marksHidden: boolean;
  /** Tracking UID of the mark that is selected; '' if none is. */
  selected: string;
  /** The selected mark, while it is the one that was drawn last and nothing else was selected since. */
  drawn: string;
  /** Frames drawn so far: grows by one with every picture on the screen. */
  rendered: number;
}

export const EMPTY: ViewerState = {
  phase: 'empty',
  failure: null,
  series: null,
  index: 0,
  wanted: 0,
  loaded: 0,
  window: null,
  inverted: false,
  zoom: 1,
  turn: UPRIGHT,
  fitted: true,
  letters: { left: '', right: '', top: '', bottom: '' },
  scale: null,
  cine: STILL,
  aids: { magnifier: false, probe: false, overlay: true },
  reading: null,
  tool: 'window',
  brush: { radiusMm: 5, ball: false },
  threshold: null,
  scissors: { shape: 'freehand', erase: false, all: false },
  marksHidden: false,
  selected: '',
  drawn: '',
  rendered: 0,
};

/** Nothing is shown; what is in the hand stays in it. */
export const emptied = (state: ViewerState): ViewerState => {
  const { tool, brush, scissors, marksHidden, aids, rendered } = state;
  return { ...EMPTY, tool, brush, scissors, marksHidden, aids, rendered };
};
