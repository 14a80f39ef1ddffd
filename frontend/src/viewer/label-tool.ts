/** Writes beside each mark and each painted area what it is, so that colour is never the only sign. No leader lines, no statistics. */

import type { Types } from '@cornerstonejs/core';
import { BaseTool, type Types as ToolTypes } from '@cornerstonejs/tools';

export interface Label {
  id: string;
  text: string;
  colour: string;
  /** Its points in patient space; the text goes to the upper right of them. */
  points: Types.Point3[];
}

const OFFSET_PX = 6;
const SVG = 'http://www.w3.org/2000/svg';

const sources = new Map<string, () => Label[]>();

/** What is written over a viewport; null ends it. */
export function labelWith(viewportId: string, source: (() => Label[]) | null): void {
  if (source) sources.set(viewportId, source);
  else sources.delete(viewportId);
}

export class LabelTool extends BaseTool {
  static override toolName = 'MarkLabels';

  constructor(toolProps = {}) {
    super(toolProps, { supportedInteractionTypes: [], configuration: {} });
  }

  renderAnnotation({ viewport }: Types.IEnabledElement, svg: ToolTypes.SVGDrawingHelper): boolean {
    for (const label of sources.get(viewport.id)?.() ?? []) {
      const points = label.points.map((point) => viewport.worldToCanvas(point));
      if (points.length === 0) continue;
      const right = Math.max(...points.map(([x]) => x));
      const top = Math.min(...points.map(([, y]) => y));
      this.write(svg, label, right + OFFSET_PX, top + OFFSET_PX);
    }
    return true;
  }

  private write(svg: ToolTypes.SVGDrawingHelper, { id, text, colour }: Label, x: number, y: number): void {
    const key = `label-${id}`;
    let node: Element | undefined = svg.getSvgNode(key);
    if (node) svg.setNodeTouched(key);
    else {
      const made = document.createElementNS(SVG, 'text');
      svg.appendNode(made, key);
      node = made;
    }
    node.setAttribute('x', x.toFixed(1));
    node.setAttribute('y', y.toFixed(1));
    node.setAttribute('fill', colour);
    if (node.textContent !== text) node.textContent = text;
  }
}
