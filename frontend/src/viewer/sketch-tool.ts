/**
 * Outlines that are not marks yet: drawn freehand or as a rectangle with one drag, or corner by corner with
 * clicks. Each viewport has its own taker, which gets the finished outline.
 */

import { getEnabledElement, type Types } from '@cornerstonejs/core';
import { BaseTool, drawing, Enums, utilities, type Types as ToolTypes } from '@cornerstonejs/tools';

const { Events } = Enums;
const CLOSE_PX = 10;

export type SketchMode = 'freehand' | 'rectangle' | 'polygon';

/** What an outline is drawn for. */
export interface Taker {
  /** Null while no outline can be drawn. */
  begin(): { mode: SketchMode; colour: string; dashed: boolean } | null;
  /** The outline in patient space, in the order in which it was drawn. */
  finish(points: readonly Types.Point3[]): void;
}

interface Sketch {
  viewportId: string;
  mode: SketchMode;
  colour: string;
  dashed: boolean;
  points: Types.Point3[];
  /** Where the pointer is: the end of the line that is not drawn yet. */
  pointer: Types.Point3;
}

type Interaction = ToolTypes.EventTypes.InteractionEventType;

const takers = new Map<string, Taker>();
let sketch: Sketch | null = null;

export function sketchFor(viewportId: string, taker: Taker): () => void {
  takers.set(viewportId, taker);
  return () => {
    takers.delete(viewportId);
    if (sketch?.viewportId === viewportId) sketch = null;
  };
}

const render = (viewportId: string): void => utilities.triggerAnnotationRenderForViewportIds([viewportId]);

/** Drops what is half drawn there; false if nothing is. */
export function dropSketch(viewportId: string): boolean {
  if (sketch?.viewportId !== viewportId) return false;
  sketch = null;
  render(viewportId);
  return true;
}

/** Takes the last corner back; false if no polygon is being drawn there. */
export function dropCorner(viewportId: string): boolean {
  if (sketch?.viewportId !== viewportId || sketch.mode !== 'polygon') return false;
  sketch.points.pop();
  if (sketch.points.length === 0) sketch = null;
  render(viewportId);
  return true;
}

function closePolygon(): void {
  if (sketch?.mode !== 'polygon') return;
  const { points, viewportId } = sketch;
  sketch = null;
  takers.get(viewportId)?.finish(points);
  render(viewportId);
}

// Enter presses what has the focus; only where nothing has it does it close the polygon.
addEventListener(
  'keydown',
  (event) => {
    if (event.key !== 'Enter' || sketch?.mode !== 'polygon' || event.target !== document.body) return;
    event.preventDefault();
    event.stopPropagation();
    closePolygon();
  },
  true,
);

export class SketchTool extends BaseTool {
  static override toolName = 'Sketch';

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: ['Mouse', 'Touch'], configuration: {} });
  }

  preMouseDownCallback = (event: Interaction): boolean => {
    const { element, currentPoints, viewportId } = event.detail as Interaction['detail'] & {
      viewportId: string;
    };
    const { world, canvas } = currentPoints;
    event.preventDefault();
    if (sketch?.viewportId === viewportId && sketch.mode === 'polygon') {
      this.addCorner(element, viewportId, world, canvas);
      return true;
    }
    const begun = takers.get(viewportId)?.begin();
    if (!begun) return false;
    sketch = { ...begun, viewportId, points: [world], pointer: world };
    if (begun.mode !== 'polygon') this.follow(element);
    render(viewportId);
    return true;
  };

  mouseMoveCallback = (event: Interaction): boolean => {
    if (sketch?.mode !== 'polygon') return false;
    sketch.pointer = event.detail.currentPoints.world;
    render(sketch.viewportId);
    return false;
  };

  onSetToolPassive(): void {
    if (sketch) dropSketch(sketch.viewportId);
  }

  renderAnnotation(enabled: Types.IEnabledElement, svg: ToolTypes.SVGDrawingHelper): boolean {
    const { viewport } = enabled;
    if (!sketch || sketch.viewportId !== viewport.id) return false;
    const { mode, points, pointer, colour, dashed } = sketch;
    const seen = mode === 'freehand' ? points : [...points, pointer];
    const corners = seen.map((point) => viewport.worldToCanvas(point));
    const style = { color: colour, lineDash: dashed ? '4,3' : '', lineWidth: 1.5 };
    if (mode === 'rectangle') {
      const [from, to] = corners as [Types.Point2, Types.Point2];
      drawing.drawPolyline(svg, 'sketch', 'outline', boxed(from, to), { ...style, closePath: true });
      return true;
    }
    drawing.drawPolyline(svg, 'sketch', 'outline', corners, { ...style, closePath: false });
    if (mode === 'polygon') drawing.drawHandles(svg, 'sketch', 'corners', corners.slice(0, -1), style);
    return true;
  }

  private addCorner(element: HTMLDivElement, id: string, world: Types.Point3, canvas: Types.Point2): void {
    const { points } = sketch as Sketch;
    const viewport = getEnabledElement(element)?.viewport;
    const near = (point: Types.Point3 | undefined): boolean => {
      const at = point && viewport?.worldToCanvas(point);
      return !!at && Math.hypot(at[0] - canvas[0], at[1] - canvas[1]) <= CLOSE_PX;
    };
    // On the first corner, or twice on the last one: that closes it.
    if (points.length > 2 && (near(points[0]) || near(points.at(-1)))) closePolygon();
    else if (!near(points.at(-1))) points.push(world);
    render(id);
  }

  private follow(element: HTMLDivElement): void {
    element.addEventListener(Events.MOUSE_DRAG, this.drag as EventListener);
    for (const name of [Events.MOUSE_UP, Events.MOUSE_CLICK])
      element.addEventListener(name, this.release as EventListener);
  }

  private drag = (event: Interaction): void => {
    if (!sketch) return;
    const { world } = event.detail.currentPoints;
    if (sketch.mode === 'freehand') sketch.points.push(world);
    sketch.pointer = world;
    render(sketch.viewportId);
  };

  private release = (event: Interaction): void => {
    const { element } = event.detail;
    element.removeEventListener(Events.MOUSE_DRAG, this.drag as EventListener);
    for (const name of [Events.MOUSE_UP, Events.MOUSE_CLICK])
      element.removeEventListener(name, this.release as EventListener);
    if (!sketch) return;
    const { viewportId, mode, points, pointer } = sketch;
    const viewport = getEnabledElement(element)?.viewport as Types.IViewport | undefined;
    sketch = null;
    const [first] = points as [Types.Point3];
    const drawn = mode === 'rectangle' && viewport ? rectangle(viewport, first, pointer) : points;
    takers.get(viewportId)?.finish(drawn);
    render(viewportId);
  };
}

const boxed = (from: Types.Point2, to: Types.Point2): Types.Point2[] => [
  from,
  [to[0], from[1]],
  to,
  [from[0], to[1]],
];

/** Upright on the screen, whichever way the image is turned. */
function rectangle(
  viewport: Pick<Types.IViewport, 'worldToCanvas' | 'canvasToWorld'>,
  from: Types.Point3,
  to: Types.Point3,
): Types.Point3[] {
  const corners = boxed(viewport.worldToCanvas(from), viewport.worldToCanvas(to));
  return corners.map((corner) => viewport.canvasToWorld(corner));
}
