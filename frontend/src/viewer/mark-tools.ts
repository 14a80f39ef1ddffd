/** The drawing library's tools for marks, each with what this project asks of it. */

import {
  AngleTool,
  ArrowAnnotateTool,
  BidirectionalTool,
  CircleROITool,
  CobbAngleTool,
  LengthTool,
  PlanarFreehandROITool,
  ProbeTool,
  RectangleROITool,
} from '@cornerstonejs/tools';
import { EllipseTool } from './ellipse-tool';
import { SHAPES } from './shapes';
import { DRAWN_KINDS, type DrawnKind } from './types';

/** Freehand as contours are drawn, never closed however near its ends come. */
class OpenContourTool extends PlanarFreehandROITool {
  static override toolName = SHAPES.polyline.tool;
}

export const MARK_TOOLS = [
  RectangleROITool,
  EllipseTool,
  CircleROITool,
  PlanarFreehandROITool,
  OpenContourTool,
  LengthTool,
  BidirectionalTool,
  AngleTool,
  CobbAngleTool,
  ProbeTool,
  ArrowAnnotateTool,
];

const SHARED = {
  calculateStats: false,
  // Labels are written by a tool of our own.
  getTextLines: () => [],
  allowOpenContours: false,
  preventHandleOutsideImage: false,
};

const OWN: Partial<Record<DrawnKind, object>> = {
  polyline: { allowOpenContours: true, closeContourProximity: 0 },
  arrow: {
    // The library drops an arrow without a text; ours is written in the list of marks.
    getTextCallback: (done: (text: string) => void) => done('arrow'),
    changeTextCallback: () => undefined,
  },
};

/** The name of each kind's tool, and its options. */
export const markTools = (): [name: string, options: object][] =>
  DRAWN_KINDS.map((kind) => [SHAPES[kind].tool, { ...SHARED, ...OWN[kind] }]);
