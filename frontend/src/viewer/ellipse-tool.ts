/**
 * An ellipse whose axes follow the hand: the end of an axis that is dragged sets its length and direction,
 * the other axis keeps its length and stays square to it. Near upright it snaps to upright.
 */

import { getEnabledElement, type Types } from '@cornerstonejs/core';
import { EllipticalROITool, type Types as ToolTypes } from '@cornerstonejs/tools';
import { distanceTo, turned } from './ellipse';

type Interaction = ToolTypes.EventTypes.InteractionEventType;

export class EllipseTool extends EllipticalROITool {
  static override toolName = EllipticalROITool.toolName;

  override _dragHandle = (event: Interaction): void => {
    const { element, currentPoints } = event.detail;
    const viewport = getEnabledElement(element)?.viewport;
    const { annotation, handleIndex } = this.editData as unknown as {
      annotation: ToolTypes.Annotation;
      handleIndex: number;
    };
    const points = annotation.data.handles?.points;
    if (!viewport || !points) return;
    const ends = points.map((point) => viewport.worldToCanvas(point));
    turned(ends, handleIndex, currentPoints.canvas).forEach((end, i) => {
      points[i] = viewport.canvasToWorld([...end]);
    });
  };

  override isPointNearTool = (
    element: HTMLDivElement,
    annotation: ToolTypes.Annotation,
    canvas: Types.Point2,
    proximity: number,
  ): boolean => {
    const viewport = getEnabledElement(element)?.viewport;
    const points = annotation.data.handles?.points;
    if (!viewport || points?.length !== 4) return false;
    const ends = points.map((point) => viewport.worldToCanvas(point));
    return distanceTo(ends, canvas) <= proximity;
  };
}
