/** What follows the pointer over the image: the probe and the magnifier, each only while it is on. */

import type { Types } from '@cornerstonejs/core';
import { Enums } from '@cornerstonejs/core';
import { Lens, type PaintedFrame } from './lens';
import { planeOf, toPixel } from './plane';
import { readAt } from './probe';
import type { Aids, ViewerState } from './state';
import type { Point } from './types';

interface Context {
  viewport: Types.IStackViewport;
  element: HTMLDivElement;
  state: () => ViewerState;
  set: (change: Partial<ViewerState>) => void;
  /** They are on or off in all panes alike. */
  setAids: (aids: Aids) => void;
  /** What is painted on the frame shown, and the colours of it; null if nothing is. */
  painted: () => PaintedFrame | null;
}

export class PointerAids {
  private readonly lens: Lens;
  private pointer: Point | null = null;
  private queued = 0;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly context: Context) {
    const { element } = context;
    this.lens = new Lens(element, context.viewport);
    const on = (name: string, handler: (event: Event) => void) => {
      element.addEventListener(name, handler);
      this.stops.push(() => element.removeEventListener(name, handler));
    };
    on('pointermove', (event) => this.moved(event as PointerEvent));
    on('pointerleave', () => {
      this.pointer = null;
      this.later();
    });
    // The same place shows something else after a scroll, a zoom or another window.
    on(Enums.Events.IMAGE_RENDERED, () => this.later());
  }

  close(): void {
    cancelAnimationFrame(this.queued);
    for (const stop of this.stops) stop();
    this.lens.close();
  }

  toggle(aid: keyof Aids): void {
    const { aids } = this.context.state();
    this.context.setAids({ ...aids, [aid]: !aids[aid] });
    this.later();
  }

  private moved(event: PointerEvent): void {
    const { left, top } = this.context.element.getBoundingClientRect();
    this.pointer = [event.clientX - left, event.clientY - top];
    this.later();
  }

  private later(): void {
    const { aids, reading } = this.context.state();
    if (this.queued || !(aids.magnifier || aids.probe || reading || this.lens.isOpen)) return;
    this.queued = requestAnimationFrame(() => {
      this.queued = 0;
      this.follow();
    });
  }

  private follow(): void {
    const { pointer } = this;
    const { series, index, phase, aids, reading } = this.context.state();
    if (!pointer || !series || phase !== 'ready') {
      this.lens.hide();
      if (reading) this.context.set({ reading: null });
      return;
    }
    const { viewport } = this.context;
    const plane = planeOf(series, index);
    const at = ([x, y]: Point): Point => toPixel(plane, viewport.canvasToWorld([x, y]));
    if (aids.probe) {
      const pixels = viewport.getCornerstoneImage().getPixelData();
      this.context.set({ reading: readAt(series, index, pixels, at(pointer)) });
    } else if (reading) this.context.set({ reading: null });
    if (aids.magnifier) this.lens.show(pointer, at, this.context.painted());
    else this.lens.hide();
  }
}
