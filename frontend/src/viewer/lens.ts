/**
 * A round piece of the image under the pointer, enlarged: drawn from the pixels of the frame themselves, so that
 * it shows what a small viewport leaves out, turned and windowed like the image, with the marks over it.
 */

import type { Types } from '@cornerstonejs/core';
import { magnify } from './magnify';
import type { Point } from './types';

/** The label values of a frame, and the colour of each. */
export interface PaintedFrame {
  values: Uint8Array;
  colours: readonly (readonly [red: number, green: number, blue: number])[];
}

const DIAMETER = 240;
const FACTOR = 2.5;
const SVG = 'http://www.w3.org/2000/svg';

export class Lens {
  private readonly box = document.createElement('div');
  private readonly canvas = document.createElement('canvas');
  private readonly marks = document.createElementNS(SVG, 'svg');

  constructor(
    private readonly element: HTMLElement,
    private readonly viewport: Types.IStackViewport,
  ) {
    this.box.className = 'lens';
    this.box.hidden = true;
    this.box.append(this.canvas, this.marks);
    element.append(this.box);
  }

  get isOpen(): boolean {
    return !this.box.hidden;
  }

  hide(): void {
    this.box.hidden = true;
  }

  close(): void {
    this.box.remove();
  }

  /** `at`: which pixel of the frame lies at a place of the viewport. */
  show(pointer: Point, at: (place: Point) => Point, painted: PaintedFrame | null): void {
    const size = Math.round(DIAMETER * window.devicePixelRatio);
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    const context = this.canvas.getContext('2d');
    if (!context) return;
    const image = this.viewport.getCornerstoneImage();
    const { voiRange, invert = false } = this.viewport.getProperties();
    const step = DIAMETER / size / FACTOR;
    const [origin, right, down] = [
      at(pointer),
      at([pointer[0] + 1, pointer[1]]),
      at([pointer[0], pointer[1] + 1]),
    ];
    const target = context.createImageData(size, size);
    magnify(target, {
      pixels: image.getPixelData(),
      rows: image.rows,
      columns: image.columns,
      range: voiRange ?? { lower: 0, upper: 255 },
      inverted: invert,
      middle: origin,
      across: [(right[0] - origin[0]) * step, (right[1] - origin[1]) * step],
      down: [(down[0] - origin[0]) * step, (down[1] - origin[1]) * step],
      painted,
    });
    context.putImageData(target, 0, 0);
    this.drawMarks(pointer);
    this.box.hidden = false;
    this.box.style.transform = `translate(${pointer[0] - DIAMETER / 2}px, ${pointer[1] - DIAMETER / 2}px)`;
  }

  private drawMarks([x, y]: Point): void {
    const drawn = this.element.querySelector('svg.svg-layer');
    const group = document.createElementNS(SVG, 'g');
    const shift = DIAMETER / 2;
    group.setAttribute('transform', `translate(${shift} ${shift}) scale(${FACTOR}) translate(${-x} ${-y})`);
    for (const node of drawn?.childNodes ?? []) {
      // Names would only hide what they name; the outline of the brush is under the pointer anyway.
      if (node instanceof SVGElement && node.tagName !== 'text') group.append(node.cloneNode(true));
    }
    this.marks.replaceChildren(group);
  }
}
