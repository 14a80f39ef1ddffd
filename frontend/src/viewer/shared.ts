/** What a pane is told when it is made, and what it has in common with the others. */

import type { Boot } from './boot';
import type { Renew } from './frames';
import type { Guide } from './guides';
import type { MarkProjection, Titles } from './marks';
import type { CaseRecord } from './record';
import type { PaintTitles } from './painter';
import type { StrokeEcho } from './stroke-echo';
import type { LabelClass, Refusal } from './types';
import type { Viewer } from './viewer';

export interface ViewerOptions {
  record: CaseRecord;
  classes: () => readonly LabelClass[];
  titles: Titles & PaintTitles;
  /** The name that the next point of a class with named landmarks gets; null if all are placed. */
  nextLandmark: (label: LabelClass) => string | null;
  /** Tells the reader why nothing was drawn or painted. */
  refuse: (why: Refusal) => void;
  /** Asks the server for a fresh description of a series, with a fresh address of its frames. */
  renew: Renew;
  /** Whether the series is the reader's to draw in, and not one to look at beside the case. */
  mine: (seriesId: number) => boolean;
}

/** What a pane has in common with the others. */
export interface Shared {
  boot: Boot;
  marks: MarkProjection;
  panes: () => readonly Viewer[];
  strokes: StrokeEcho;
  activeClass: () => LabelClass | null;
  setClass: (code: string) => void;
  /** Lines of other panes in this one. */
  guides: (pane: Viewer) => Guide[];
  /** Drops from memory what no pane shows and what is not among these series. */
  keep: (seriesIds: readonly number[]) => void;
  /** The same, among those that were to be kept last. */
  release: () => void;
}
