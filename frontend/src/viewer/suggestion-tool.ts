/**
 * Draws what the model suggests: dashed and tagged "AI", masks hatched, so that it is never taken for the
 * reader's own. It lies over the image and takes no part in what the mouse does.
 */

import type { Types } from '@cornerstonejs/core';
import { BaseTool, type Types as ToolTypes } from '@cornerstonejs/tools';
import type { Line } from './outlines';
import { toWorld } from './plane';
import { type SuggestedShape, type SuggestedView, suggestedView } from './suggested';
import type { Point } from './types';

type Svg = ToolTypes.SVGDrawingHelper;

const NAMESPACE = 'http://www.w3.org/2000/svg';
const HATCH_PX = 7;
const BELOW_PX = 14;
const CASING = 'rgb(0 0 0 / 65%)';

export class SuggestionTool extends BaseTool {
  static override toolName = 'Suggestions';

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: [], configuration: {} });
  }

  renderAnnotation({ viewport }: Types.IEnabledElement, svg: Svg): boolean {
    const view = suggestedView(viewport.id);
    if (!view || view.shapes.length === 0) return false;
    const place = onCanvas(viewport, view);
    for (const shape of view.shapes) drawShape(svg, shape, view.opacity, place, viewport.id);
    return true;
  }
}

/** From pixels of the frame to the canvas: the way is affine, so three points tell it. */
export function onCanvas(
  viewport: Pick<Types.IViewport, 'worldToCanvas'>,
  { plane }: Pick<SuggestedView, 'plane'>,
): (point: Point) => Point {
  const at = (point: Point) => viewport.worldToCanvas([...toWorld(plane, point)] as Types.Point3);
  const [origin, right, below] = [at([0, 0]), at([1, 0]), at([0, 1])];
  return ([column, row]) => [
    origin[0] + column * (right[0] - origin[0]) + row * (below[0] - origin[0]),
    origin[1] + column * (right[1] - origin[1]) + row * (below[1] - origin[1]),
  ];
}

export function drawShape(
  svg: Svg,
  shape: SuggestedShape,
  opacity: number,
  place: (point: Point) => Point,
  viewportId: string,
): void {
  if (shape.lines.length === 0) return;
  const lines = shape.lines.map(({ points, closed }) => ({ points: points.map(place), closed }));
  const path = lines.map(pathOf).join('');
  const own = { d: path, opacity: String(opacity), 'pointer-events': 'none' };
  const width = shape.current ? 3 : 2;
  put(svg, 'path', `casing-${shape.id}`, {
    ...own,
    fill: 'none',
    stroke: CASING,
    'stroke-width': String(width + 2),
  });
  put(svg, 'path', `suggested-${shape.id}`, {
    ...own,
    fill: shape.hatched ? hatch(svg, shape, viewportId) : 'none',
    'fill-rule': 'evenodd',
    stroke: shape.colour,
    'stroke-width': String(width),
    'stroke-dasharray': shape.dash ?? '6 4',
    'data-suggested': shape.id,
  });
  write(
    svg,
    shape,
    lines.flatMap(({ points }) => points),
    opacity,
  );
}

const pathOf = ({ points, closed }: Line): string =>
  `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}${closed ? 'Z' : ''}`;

function write(svg: Svg, shape: SuggestedShape, points: readonly Point[], opacity: number): void {
  const left = Math.min(...points.map(([x]) => x));
  const bottom = Math.max(...points.map(([, y]) => y));
  const node = put(svg, 'text', `suggested-text-${shape.id}`, {
    x: left.toFixed(1),
    y: (bottom + BELOW_PX).toFixed(1),
    fill: shape.colour,
    opacity: String(Math.max(opacity, 0.6)),
  });
  if (node.textContent !== shape.text) node.textContent = shape.text;
}

/** The fill of that colour: lines aslant, with the image between them. */
function hatch(svg: Svg, { colour, slant = 45 }: SuggestedShape, viewportId: string): string {
  const id = `hatch-${viewportId}-${colour.slice(1)}-${slant}`;
  const size = String(HATCH_PX);
  const pattern = put(svg, 'pattern', id, {
    id,
    width: size,
    height: size,
    patternUnits: 'userSpaceOnUse',
    patternTransform: `rotate(${slant})`,
  });
  if (!pattern.firstChild) {
    const line = document.createElementNS(NAMESPACE, 'line');
    for (const [name, value] of Object.entries({ y2: size, stroke: colour, 'stroke-width': '2' }))
      line.setAttribute(name, value);
    pattern.append(line);
  }
  return `url(#${id})`;
}

/** The node of that key, made if it is not there yet, with these attributes. */
function put(svg: Svg, tag: string, key: string, attributes: Record<string, string>): Element {
  let node: Element | undefined = svg.getSvgNode(key);
  if (node) svg.setNodeTouched(key);
  else {
    const made = document.createElementNS(NAMESPACE, tag) as SVGElement;
    svg.appendNode(made, key);
    node = made;
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  return node;
}
