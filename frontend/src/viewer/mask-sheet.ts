/**
 * What is painted, drawn over the picture of one viewport from the record's bytes: areas in the colours of
 * their segments, and lines along the edges of pixels. A sheet of its own, so that a stroke draws no picture anew.
 */

import type { Types } from '@cornerstonejs/core';
import type { Corner, Labelmap } from './labelmap';
import { colourOf } from './colours';
import type { Appearance } from './looks';
import { cornersOf, type Line, linesAround } from './mask-lines';
import { planeOf, toWorld } from './plane';
import type { Point, SeriesDisplay } from './types';

const LINE_PX = 1.5;
const LINE_OPACITY = 0.9;

export abstract class MaskSheet {
  private readonly sheet = document.createElement('canvas');
  private readonly areas = document.createElement('canvas');
  private lines = new Map<number, Path2D>();
  private labels: Uint8Array = new Uint8Array(0);
  private read = '';
  private painted = '';
  private visible = true;

  constructor(
    protected readonly viewport: Types.IStackViewport,
    protected readonly series: SeriesDisplay,
    protected readonly map: Labelmap,
    private segments: readonly Appearance[],
  ) {
    this.sheet.className = 'mask-sheet';
    this.areas.width = series.columns;
    this.areas.height = series.rows;
    // Under the marks.
    viewport.canvas.after(this.sheet);
  }

  /** The label values on one frame of the series, or in one plane. */
  protected abstract labelsOn(index: number): Uint8Array;

  /** The looks of these segments changed. */
  restyle(segments: readonly Appearance[]): void {
    this.segments = segments;
    this.painted = '';
    this.draw();
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.draw();
  }

  close(): void {
    this.sheet.remove();
  }

  /** After each picture, and after each change of the labelmap. */
  draw(): void {
    const { sheet, viewport } = this;
    const { width, height } = viewport.canvas;
    if (sheet.height !== height) sheet.height = height;
    if (this.visible) this.paint();
    const isBlank = !this.visible || this.lines.size === 0;
    // Chromium goes on showing what was there on a sheet that is cleared and not drawn on after that.
    sheet.hidden = isBlank;
    if (isBlank || sheet.width !== width) sheet.width = width;
    if (isBlank) return;
    const pen = sheet.getContext('2d') as CanvasRenderingContext2D;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    const place = this.place();
    pen.setTransform(place);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.areas, 0, 0);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.lineWidth = LINE_PX * devicePixelRatio;
    pen.globalAlpha = LINE_OPACITY;
    for (const { value, colour, hidden } of this.segments) {
      const line = hidden ? undefined : this.lines.get(value);
      if (!line) continue;
      const placed = new Path2D();
      placed.addPath(line, place);
      pen.strokeStyle = colour;
      pen.stroke(placed);
    }
    pen.globalAlpha = 1;
  }

  /** From the corners of pixels to the sheet. */
  private place(): DOMMatrix {
    const plane = planeOf(this.series, this.viewport.getCurrentImageIdIndex());
    const at = (point: Point): [number, number] => {
      const [x, y] = this.viewport.worldToCanvas([...toWorld(plane, point)] as Types.Point3);
      return [x * devicePixelRatio, y * devicePixelRatio];
    };
    const [o, x, y] = [at([-0.5, -0.5]), at([0.5, -0.5]), at([-0.5, 0.5])];
    return new DOMMatrix([x[0] - o[0], x[1] - o[1], y[0] - o[0], y[1] - o[1], o[0], o[1]]);
  }

  private paint(): void {
    const { values } = this;
    if (this.painted === this.read) return;
    this.painted = this.read;
    const { columns, rows } = this.series;
    const image = new ImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const colours = this.colours();
    for (let at = 0; at < values.length; at++)
      if (values[at]) pixels[at] = colours[values[at] as number] as number;
    this.areas.getContext('2d')?.putImageData(image, 0, 0);
    this.lines = new Map();
    for (const [value, lines] of linesAround(values, rows, columns)) this.lines.set(value, pathOf(lines));
  }

  /** By value, as the bytes of a pixel lie in memory. */
  private colours(): Uint32Array {
    const table = new Uint32Array(256);
    const bytes = new Uint8Array(table.buffer);
    for (const segment of this.segments) if (!segment.hidden) bytes.set(colourOf(segment), segment.value * 4);
    return table;
  }

  /** The label values that are shown. */
  get values(): Uint8Array {
    const index = this.viewport.getCurrentImageIdIndex();
    const wanted = `${index}/${this.map.revision}`;
    if (wanted !== this.read) this.labels = this.labelsOn(index);
    this.read = wanted;
    return this.labels;
  }

  /** For each class that is shown, the place to write its name beside. */
  corners(): Map<number, Corner> {
    return cornersOf(this.values, this.series.columns);
  }
}

function pathOf(lines: readonly Line[]): Path2D {
  const path = new Path2D();
  for (const [x0, y0, x1, y1] of lines) {
    path.moveTo(x0, y0);
    path.lineTo(x1, y1);
  }
  return path;
}
