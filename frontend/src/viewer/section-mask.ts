/** The labelmap where a plane cuts it, drawn over the plane's picture; it reads the record's bytes. */

import type { Types } from '@cornerstonejs/core';
import type { Corner, Labelmap } from './labelmap';
import { planeOf, toWorld } from './plane';
import { sample } from './section';
import type { Appearance } from './looks';
import { colourOf } from './segments';
import type { Point, SectionOf, SeriesDisplay } from './types';

/** Opacity of the outline, of 255. */
const EDGE = 230;

export class SectionMask {
  private readonly sheet = document.createElement('canvas');
  private readonly picture = document.createElement('canvas');
  private readonly frames: Uint8Array[];
  private labels: Uint8Array = new Uint8Array(0);
  private drawn = '';
  private visible = true;
  private readonly section: SectionOf;

  constructor(
    private readonly viewport: Types.IStackViewport,
    private readonly series: SeriesDisplay,
    private readonly map: Labelmap,
    private segments: readonly Appearance[],
  ) {
    this.section = series.section as SectionOf;
    this.frames = Array.from({ length: map.frames }, (_, index) => map.frame(index));
    this.sheet.className = 'section-mask';
    this.picture.width = series.columns;
    this.picture.height = series.rows;
    viewport.element.append(this.sheet);
  }

  refresh(_frames: readonly number[]): void {
    this.draw();
  }

  /** The looks of these segments changed. */
  restyle(segments: readonly Appearance[]): void {
    this.segments = segments;
    this.drawn = '';
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
    const { clientWidth: width, clientHeight: height } = viewport.element;
    if (sheet.width !== width) sheet.width = width;
    if (sheet.height !== height) sheet.height = height;
    const pen = sheet.getContext('2d') as CanvasRenderingContext2D;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!this.visible) return;
    const index = viewport.getCurrentImageIdIndex();
    this.resample(index);
    const at = (point: Point): Types.Point2 =>
      viewport.worldToCanvas([...toWorld(planeOf(this.series, index), point)] as Types.Point3);
    const [o, x, y] = [at([-0.5, -0.5]), at([0.5, -0.5]), at([-0.5, 0.5])];
    pen.setTransform(x[0] - o[0], x[1] - o[1], y[0] - o[0], y[1] - o[1], o[0], o[1]);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.picture, 0, 0);
  }

  private resample(index: number): void {
    const of = `${index}/${this.map.revision}`;
    if (of === this.drawn) return;
    this.drawn = of;
    const { box, grid } = this.section;
    this.labels = sample(this.frames, box, grid, index, { fill: 0, nearest: true }) as Uint8Array;
    const image = new ImageData(this.series.columns, this.series.rows);
    const shown = this.segments.filter(({ hidden }) => !hidden);
    const colours = new Map(shown.map((segment) => [segment.value, colourOf(segment)]));
    this.labels.forEach((value, at) => {
      const colour = colours.get(value);
      if (!colour) return;
      const [red, green, blue, alpha] = colour;
      image.data.set([red, green, blue, this.isEdge(at) ? EDGE : alpha], at * 4);
    });
    this.picture.getContext('2d')?.putImageData(image, 0, 0);
  }

  private isEdge(at: number): boolean {
    const { columns } = this.series;
    const column = at % columns;
    const value = this.labels[at];
    return (
      (column > 0 && this.labels[at - 1] !== value) ||
      (column < columns - 1 && this.labels[at + 1] !== value) ||
      this.labels[at - columns] !== value ||
      this.labels[at + columns] !== value
    );
  }

  /** The label values of the plane shown. */
  get values(): Uint8Array {
    this.resample(this.viewport.getCurrentImageIdIndex());
    return this.labels;
  }

  /** For each class in the plane, the place to write its name beside. */
  corners(): Map<number, Corner> {
    const found = new Map<number, Corner>();
    this.labels.forEach((value, at) => {
      if (value === 0) return;
      const row = Math.floor(at / this.series.columns);
      if ((found.get(value)?.[1] ?? row) === row) found.set(value, [at % this.series.columns, row]);
    });
    return found;
  }

  /** Voxels of each class in the plane shown. */
  counts(): Map<number, number> {
    const found = new Map<number, number>();
    for (const value of this.values) if (value) found.set(value, (found.get(value) ?? 0) + 1);
    return found;
  }
}
