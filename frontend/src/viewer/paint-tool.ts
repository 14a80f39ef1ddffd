/** The brush as a mouse tool: turns pointer movements into strokes and draws the brush's outline. */

import { getEnabledElement, type Types } from '@cornerstonejs/core';
import { BaseTool, drawing, Enums, utilities, type Types as ToolTypes } from '@cornerstonejs/tools';

const { Events } = Enums;

/** What the tool paints on; each pane has one of its own. */
export interface Canvas {
  /** Radius in screen pixels at this zoom, and the colour of the outline. */
  outline(): { radius: number; colour: string; erasing: boolean } | null;
  /** False if painting is not possible here. */
  begin(world: Types.Point3): boolean;
  move(world: Types.Point3): void;
  end(): void;
  /** The pointer went there without a button down. */
  hover(world: Types.Point3): void;
  /** Takes what is under the brush for the range of values to paint. */
  sample(): void;
}

const canvases = new Map<string, Canvas>();

/** What a stroke in that viewport paints on; null ends it. */
export function paintOn(viewportId: string, target: Canvas | null): void {
  if (target) canvases.set(viewportId, target);
  else canvases.delete(viewportId);
}

function canvasOf(element: HTMLDivElement): Canvas | undefined {
  return canvases.get(getEnabledElement(element)?.viewport.id ?? '');
}

type Interaction = ToolTypes.EventTypes.InteractionEventType;

export class PaintTool extends BaseTool {
  static override toolName = 'Paint';
  private pointer: Types.Point2 | null = null;
  private over: string | null = null;

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: ['Mouse', 'Touch'], configuration: {} });
  }

  preMouseDownCallback = (event: Interaction): boolean => {
    const { element, currentPoints } = event.detail;
    const canvas = canvasOf(element);
    canvas?.hover(currentPoints.world);
    if ((event.detail.event as MouseEvent).altKey) {
      canvas?.sample();
      return true;
    }
    if (!canvas?.begin(currentPoints.world)) return false;
    this.follow(event);
    element.addEventListener(Events.MOUSE_DRAG, this.drag as EventListener);
    element.addEventListener(Events.MOUSE_UP, this.release as EventListener);
    element.addEventListener(Events.MOUSE_CLICK, this.release as EventListener);
    event.preventDefault();
    return true;
  };

  mouseMoveCallback = (event: Interaction): boolean => {
    canvasOf(event.detail.element)?.hover(event.detail.currentPoints.world);
    this.follow(event);
    return false;
  };

  onSetToolPassive(): void {
    this.pointer = null;
  }

  renderAnnotation(enabled: Types.IEnabledElement, svg: ToolTypes.SVGDrawingHelper): boolean {
    const here = this.over === enabled.viewport.id && this.mode === Enums.ToolModes.Active;
    const outline = this.pointer && here ? canvases.get(enabled.viewport.id)?.outline() : null;
    if (!outline || !this.pointer) return false;
    drawing.drawCircle(svg, `brush-${enabled.viewport.id}`, 'outline', this.pointer, outline.radius, {
      color: outline.colour,
      lineDash: outline.erasing ? '3,3' : '',
      lineWidth: 1.5,
    });
    return true;
  }

  private drag = (event: Interaction): void => {
    canvasOf(event.detail.element)?.move(event.detail.currentPoints.world);
    this.follow(event);
  };

  private release = (event: Interaction): void => {
    const { element } = event.detail;
    element.removeEventListener(Events.MOUSE_DRAG, this.drag as EventListener);
    element.removeEventListener(Events.MOUSE_UP, this.release as EventListener);
    element.removeEventListener(Events.MOUSE_CLICK, this.release as EventListener);
    canvasOf(element)?.end();
  };

  private follow(event: Interaction): void {
    const { element, currentPoints } = event.detail;
    this.pointer = currentPoints.canvas;
    const enabled = getEnabledElement(element);
    this.over = enabled?.viewport.id ?? null;
    if (enabled) utilities.triggerAnnotationRenderForViewportIds([enabled.viewport.id]);
  }
}
