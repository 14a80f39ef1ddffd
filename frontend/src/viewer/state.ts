/** What the viewer shows, as a plain value that any page can watch. */

import { type CineState, STILL } from './cine';
import type { EdgeLetters } from './plane';
import type { Reading } from './probe';
import { type Turn, UPRIGHT } from './turn';
import type { DrawnKind, SeriesDisplay, Window } from './types';

export type Tool = 'window' | 'pan' | 'zoom' | 'crosshairs' | DrawnKind | 'brush' | 'eraser';

export const isPainting = (tool: Tool): boolean => tool === 'brush' || tool === 'eraser';

const LOOKING: readonly Tool[] = ['window', 'pan', 'zoom', 'crosshairs'];
/** Whether a press of the button puts something on the image. */
export const isDrawing = (tool: Tool): boolean => !LOOKING.includes(tool);

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

export interface ViewerState {
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
  brush: { radiusMm: number; ball: boolean };
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
  marksHidden: false,
  selected: '',
  drawn: '',
  rendered: 0,
};

/** Nothing is shown; what is in the hand stays in it. */
export const emptied = ({ tool, brush, marksHidden, aids, rendered }: ViewerState): ViewerState => ({
  ...EMPTY,
  tool,
  brush,
  marksHidden,
  aids,
  rendered,
});
