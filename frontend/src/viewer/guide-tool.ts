/** Draws lines of other planes and of marks over a pane, and moves the crosshairs. */

import { getEnabledElement, type Types } from '@cornerstonejs/core';
import { BaseTool, Enums, type Types as ToolTypes } from '@cornerstonejs/tools';
import type { Guide } from './guides';
import type { Vector } from './types';

const { Events } = Enums;
const SVG = 'http://www.w3.org/2000/svg';
const GAP_PX = 14;
const DOT_PX = 4;
/** The letters of the patient's sides stand at the edge. */
const EDGE_PX = 44;

const sources = new Map<string, () => Guide[]>();

/** What is drawn over a viewport; null ends it. */
export function guideWith(viewportId: string, source: (() => Guide[]) | null): void {
  if (source) sources.set(viewportId, source);
  else sources.delete(viewportId);
}

type At = readonly [number, number];

export class GuideTool extends BaseTool {
  static override toolName = 'Guides';

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: [], configuration: {} });
  }

  renderAnnotation({ viewport }: Types.IEnabledElement, svg: ToolTypes.SVGDrawingHelper): boolean {
    for (const guide of sources.get(viewport.id)?.() ?? []) {
      const at = (point: Vector): At => viewport.worldToCanvas([...point] as Types.Point3);
      const [from, to] = [at(guide.from), at(guide.to)];
      const gap = guide.gap && at(guide.gap);
      partsOf(from, to, gap).forEach(([a, b], part) => {
        set(svg, `guide-${guide.id}-${part}`, 'line', {
          x1: a[0],
          y1: a[1],
          x2: b[0],
          y2: b[1],
          stroke: guide.colour,
          'stroke-width': guide.width,
          'stroke-dasharray': guide.dash,
        });
      });
      if (isPoint(from, to)) {
        const round = { cx: from[0], cy: from[1], r: DOT_PX, stroke: guide.colour, 'stroke-width': 2 };
        set(svg, `guide-${guide.id}-dot`, 'circle', { ...round, fill: 'none' });
      }
      if (guide.label) {
        const [x, y] = endOf(from, to, viewport.element);
        const words = { x: x + 4, y: y - 4, fill: guide.colour };
        set(svg, `guide-${guide.id}-label`, 'text', words).textContent = guide.label;
      }
    }
    return true;
  }
}

const isPoint = (from: At, to: At): boolean => Math.hypot(to[0] - from[0], to[1] - from[1]) < 0.5;

/** The end of a line that lies further up or left, kept on the screen. */
function endOf(from: At, to: At, { clientWidth, clientHeight }: HTMLElement): At {
  const [x, y] = from[0] + from[1] <= to[0] + to[1] ? from : to;
  return [Math.min(Math.max(x, 2), clientWidth - 28), Math.min(Math.max(y, EDGE_PX), clientHeight - 4)];
}

function partsOf(from: At, to: At, gap: At | null): [At, At][] {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (isPoint(from, to)) return [];
  if (!gap) return [[from, to]];
  const way = [(to[0] - from[0]) / length, (to[1] - from[1]) / length] as const;
  const middle = (gap[0] - from[0]) * way[0] + (gap[1] - from[1]) * way[1];
  const at = (mm: number): At => [from[0] + mm * way[0], from[1] + mm * way[1]];
  const parts: [At, At][] = [];
  if (middle - GAP_PX > 0) parts.push([from, at(Math.min(middle - GAP_PX, length))]);
  if (middle + GAP_PX < length) parts.push([at(Math.max(middle + GAP_PX, 0)), to]);
  return parts;
}

function set(
  svg: ToolTypes.SVGDrawingHelper,
  key: string,
  name: string,
  values: Record<string, string | number>,
): Element {
  let node: Element | undefined = svg.getSvgNode(key);
  if (node) svg.setNodeTouched(key);
  else {
    const made = document.createElementNS(SVG, name);
    svg.appendNode(made as SVGElement as never, key);
    node = made;
  }
  for (const [attribute, value] of Object.entries(values)) {
    node.setAttribute(attribute, typeof value === 'number' ? value.toFixed(1) : value);
  }
  return node;
}

let point: (viewportId: string, world: Vector) => void = () => undefined;

/** Called with each point that the crosshairs are put on. */
export function pointWith(handler: typeof point): void {
  point = handler;
}

type Interaction = ToolTypes.EventTypes.InteractionEventType;

/** The crosshairs' place follows the pointer while the button is down. */
export class CrosshairTool extends BaseTool {
  static override toolName = 'Crosshair';

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: ['Mouse', 'Touch'], configuration: {} });
  }

  preMouseDownCallback = (event: Interaction): boolean => {
    const { element } = event.detail;
    this.follow(event);
    element.addEventListener(Events.MOUSE_DRAG, this.follow as EventListener);
    element.addEventListener(Events.MOUSE_UP, this.release as EventListener);
    element.addEventListener(Events.MOUSE_CLICK, this.release as EventListener);
    event.preventDefault();
    return true;
  };

  private follow = (event: Interaction): void => {
    const { element, currentPoints } = event.detail;
    const enabled = getEnabledElement(element);
    if (enabled) point(enabled.viewport.id, currentPoints.world as unknown as Vector);
  };

  private release = (event: Interaction): void => {
    const { element } = event.detail;
    element.removeEventListener(Events.MOUSE_DRAG, this.follow as EventListener);
    element.removeEventListener(Events.MOUSE_UP, this.release as EventListener);
    element.removeEventListener(Events.MOUSE_CLICK, this.release as EventListener);
  };
}
