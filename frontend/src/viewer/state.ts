/** What the viewer shows, as a plain value that any page can watch. */

import type { EdgeLetters } from './plane';
import type { DrawnKind, SeriesDisplay, Window } from './types';

export type Tool = 'window' | 'pan' | 'zoom' | 'crosshairs' | DrawnKind | 'brush' | 'eraser';

export const isPainting = (tool: Tool): boolean => tool === 'brush' || tool === 'eraser';

export interface Failure {
  message: string;
  retryable: boolean;
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
  letters: EdgeLetters;
  scale: { mm: number; px: number } | null;
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
  letters: { left: '', right: '', top: '', bottom: '' },
  scale: null,
  tool: 'window',
  brush: { radiusMm: 5, ball: false },
  marksHidden: false,
  selected: '',
  drawn: '',
  rendered: 0,
};

/** Nothing is shown; what is in the hand stays in it. */
export const emptied = ({ tool, brush, marksHidden, rendered }: ViewerState): ViewerState => ({
  ...EMPTY,
  tool,
  brush,
  marksHidden,
  rendered,
});
