/**
 * Prompts with the mouse: a click is a point, a drag a scribble or a box; with Alt it means the opposite.
 * Draws them with a sign of their own, and the mask that came back dotted and hatched, so that it is taken
 * neither for what is painted nor for what a model suggests.
 */

import { getEnabledElement, type Types } from '@cornerstonejs/core';
import { BaseTool, drawing, Enums, type Types as ToolTypes, utilities } from '@cornerstonejs/tools';
import { type PromptMode, promptsShown, type SeenPrompt, takerOf } from './prompts';
import { drawShape, onCanvas } from './suggestion-tool';
import type { Point } from './types';

const { Events } = Enums;
const CLICK_PX = 4;
const SIGN_PX = 3;
const CLEAR = 0.9;
const FAINT = 0.35;
const CASING = '#000000';
const POSITIVE = '#7ee2a8';
const NEGATIVE = '#ff8f87';

type Interaction = ToolTypes.EventTypes.InteractionEventType;
type Svg = ToolTypes.SVGDrawingHelper;

interface Drawn {
  viewportId: string;
  mode: PromptMode;
  points: Types.Point3[];
  start: Types.Point2;
  moved: boolean;
}

let drawn: Drawn | null = null;

const render = (viewportId: string): void => utilities.triggerAnnotationRenderForViewportIds([viewportId]);

/** Drops the prompt that is half drawn there; false if none is. */
export function dropPrompt(viewportId: string): boolean {
  if (drawn?.viewportId !== viewportId) return false;
  drawn = null;
  render(viewportId);
  return true;
}

export class PromptTool extends BaseTool {
  static override toolName = 'Prompt';

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: ['Mouse', 'Touch'], configuration: {} });
  }

  preMouseDownCallback = (event: Interaction): boolean => {
    const { element, currentPoints, event: press } = event.detail;
    const viewportId = getEnabledElement(element)?.viewport.id ?? '';
    const mode = takerOf(viewportId)?.begin((press as MouseEvent).altKey);
    event.preventDefault();
    if (!mode) return false;
    drawn = {
      viewportId,
      mode,
      points: [currentPoints.world],
      start: currentPoints.canvas,
      moved: false,
    };
    element.addEventListener(Events.MOUSE_DRAG, this.drag as EventListener);
    for (const name of [Events.MOUSE_UP, Events.MOUSE_CLICK])
      element.addEventListener(name, this.release as EventListener);
    return true;
  };

  onSetToolPassive(): void {
    if (drawn) dropPrompt(drawn.viewportId);
  }

  private drag = (event: Interaction): void => {
    if (!drawn) return;
    const { world, canvas } = event.detail.currentPoints;
    drawn.moved ||= Math.hypot(canvas[0] - drawn.start[0], canvas[1] - drawn.start[1]) > CLICK_PX;
    drawn.points.push(world);
    render(drawn.viewportId);
  };

  private release = (event: Interaction): void => {
    const { element } = event.detail;
    element.removeEventListener(Events.MOUSE_DRAG, this.drag as EventListener);
    for (const name of [Events.MOUSE_UP, Events.MOUSE_CLICK])
      element.removeEventListener(name, this.release as EventListener);
    if (!drawn) return;
    const { viewportId, mode, points, moved } = drawn;
    drawn = null;
    takerOf(viewportId)?.finish(moved ? points : points.slice(0, 1), mode);
    render(viewportId);
  };

  renderAnnotation({ viewport }: Types.IEnabledElement, svg: Svg): boolean {
    const view = promptsShown(viewport.id);
    const half = drawn?.viewportId === viewport.id && drawn.moved ? drawn : null;
    if (half) sketch(svg, half, viewport as Types.IViewport);
    if (!view) return half !== null;
    const place = onCanvas(viewport, view);
    if (view.preview) drawShape(svg, view.preview, view.stale ? FAINT : CLEAR, place, viewport.id);
    view.prompts.forEach((prompt, at) => draw(svg, `prompt-${at}`, prompt, place));
    return true;
  }
}

function sketch(svg: Svg, { mode, points }: Drawn, viewport: Types.IViewport): void {
  const line = points.map((point) => viewport.worldToCanvas(point));
  const [first, last] = [line[0], line.at(-1)] as [Types.Point2, Types.Point2];
  if (mode.drag === 'box') rectangle(svg, 'half-box', first, last, mode.colour);
  else stroke(svg, 'half-line', line, mode.positive);
}

function draw(svg: Svg, id: string, prompt: SeenPrompt, place: (point: Point) => Point): void {
  prompt.lines.forEach(({ points, closed }, at) => {
    const line = points.map((point) => [...place(point)] as Types.Point2);
    if (prompt.isBox) outline(svg, `${id}-box`, line, POSITIVE, closed);
    else stroke(svg, `${id}-${at}`, line, prompt.positive);
  });
  if (prompt.sign) sign(svg, id, [...place(prompt.sign)] as Types.Point2, prompt.positive);
}

function rectangle(svg: Svg, id: string, from: Types.Point2, to: Types.Point2, color: string): void {
  outline(svg, id, [from, [to[0], from[1]], to, [from[0], to[1]]], color, true);
}

function outline(svg: Svg, id: string, line: Types.Point2[], color: string, closePath: boolean): void {
  drawing.drawPolyline(svg, 'prompts', id, line, { color, lineDash: '2,4', lineWidth: 1.5, closePath });
}

function stroke(svg: Svg, id: string, line: Types.Point2[], positive: boolean): void {
  const dash = positive ? '' : '6,3';
  drawing.drawPolyline(svg, 'prompts', `${id}-case`, line, { color: CASING, lineWidth: 5 });
  drawing.drawPolyline(svg, 'prompts', id, line, {
    color: positive ? POSITIVE : NEGATIVE,
    lineDash: dash,
    lineWidth: 2.5,
  });
}

/** Plus or minus in a circle: told apart without colour, too. */
function sign(svg: Svg, id: string, [x, y]: Types.Point2, positive: boolean): void {
  const color = positive ? POSITIVE : NEGATIVE;
  drawing.drawCircle(svg, 'prompts', `${id}-case`, [x, y], SIGN_PX + 3, { color: CASING, lineWidth: 3 });
  drawing.drawCircle(svg, 'prompts', `${id}-ring`, [x, y], SIGN_PX + 3, { color, lineWidth: 1.5 });
  const bar = (name: string, from: Types.Point2, to: Types.Point2) =>
    drawing.drawLine(svg, 'prompts', `${id}-${name}`, from, to, { color, lineWidth: 2 });
  bar('across', [x - SIGN_PX, y], [x + SIGN_PX, y]);
  if (positive) bar('down', [x, y - SIGN_PX], [x, y + SIGN_PX]);
}
