/** How marks look, and the parts of the drawing library's annotations that carry them. */

import type { Types } from '@cornerstonejs/core';
import type { Types as ToolTypes } from '@cornerstonejs/tools';
import type { LabelClass, Vector } from './types';

type Annotation = ToolTypes.Annotation;

/** Line styles told apart without colour; the class's place in the schema chooses. */
export const NO_CLASS_COLOUR = '#e8eaed';
const DASHES = ['', '7,4', '2,3', '9,3,2,3'];

export const mutable = (point: Vector): Types.Point3 => [...point];

export function drawingOf(drawing: Annotation): { handles: Vector[]; outline: Vector[] } {
  return { handles: drawing.data.handles?.points ?? [], outline: drawing.data.contour?.polyline ?? [] };
}

export function emptyTextBox() {
  const zero = (): Types.Point3 => [0, 0, 0];
  return {
    hasMoved: false,
    worldPosition: zero(),
    worldBoundingBox: { topLeft: zero(), topRight: zero(), bottomLeft: zero(), bottomRight: zero() },
  };
}

/** Colour and dash of a class, in the words of the drawing library. */
export function styleOf(
  label: LabelClass | null,
  classes: readonly LabelClass[],
): Record<string, string | boolean> {
  const colour = label?.colour ?? NO_CLASS_COLOUR;
  const place = classes.findIndex(({ code }) => code === label?.code);
  const dash = DASHES[Math.max(0, place) % DASHES.length] as string;
  return {
    color: colour,
    colorHighlighted: '#ffffff',
    colorSelected: colour,
    colorLocked: colour,
    lineWidth: '2',
    lineDash: dash,
    textBoxVisibility: false,
  };
}
