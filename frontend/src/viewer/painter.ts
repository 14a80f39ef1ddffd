/** Brush and eraser on the series that is open: strokes go into the record's labelmap, step by step. */

import type { Types } from '@cornerstonejs/core';
import { utilities } from '@cornerstonejs/tools';
import type { Label } from './label-tool';
import { type Corner, type Labelmap, Stroke, type Voxel } from './labelmap';
import type { PaintedFrame } from './lens';
import { type Canvas, paintOn } from './paint-tool';
import { planeOf, toPixel, toWorld } from './plane';
import type { CaseRecord, Change } from './record';
import { LabelmapProjection, rgba } from './segments';
import type { ViewerState } from './state';
import type { LabelClass, SeriesDisplay } from './types';

interface Context {
  viewport: Types.IStackViewport;
  record: CaseRecord;
  classes: () => readonly LabelClass[];
  titles: { painted: (label: string) => string; erased: string };
  state: () => ViewerState;
  activeClass: () => LabelClass | null;
  /** False where labelmaps cannot be drawn. */
  possible: boolean;
}

const ERASER_COLOUR = '#e8eaed';

/** A labelmap needs frames of one size. */
function hasOneSize({ rows, columns, frames }: SeriesDisplay): boolean {
  return frames.every((frame) => (frame.rows ?? rows) === rows && (frame.columns ?? columns) === columns);
}

export class Painter implements Canvas {
  private series: SeriesDisplay | null = null;
  private projection: LabelmapProjection | null = null;
  private projected: Labelmap | null = null;
  private stroke: Stroke | null = null;
  private visible = true;
  /** Where the classes lie on one frame of one state of the labelmap. */
  private located: { of: string; corners: Map<number, Corner> } | null = null;

  constructor(private readonly context: Context) {
    paintOn(this);
  }

  open(series: SeriesDisplay): void {
    this.drop();
    this.series = series;
    this.project();
  }

  /** Takes no strokes until the next series is opened. */
  leave(): void {
    this.drop();
    this.stroke = null;
    this.series = null;
  }

  close(): void {
    this.drop();
    paintOn(null);
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.projection?.setVisible(visible);
  }

  follow(change: Change): void {
    if (change.kind === 'everything') {
      this.drop();
      this.project();
    }
    if (change.kind === 'voxels' && change.series === this.series?.id) {
      this.project();
      this.projection?.refresh(change.frames);
    }
    utilities.triggerAnnotationRenderForViewportIds([this.context.viewport.id]);
  }

  /** What is painted on the frame shown, and in which colours; null if nothing is. */
  shown(): PaintedFrame | null {
    const { projected: map } = this;
    if (!map || !this.visible) return null;
    const colours: [number, number, number][] = [];
    for (const { value, colour } of this.context.classes()) {
      const [red, green, blue] = rgba(colour);
      colours[value] = [red, green, blue];
    }
    return { values: map.frame(this.context.state().index), colours };
  }

  private drop(): void {
    this.projection?.close();
    this.projection = null;
    this.projected = null;
    this.located = null;
  }

  /** The names of the classes that are painted on the frame shown. */
  labels(): Label[] {
    const { series, projected: map } = this;
    if (!series || !map || !this.visible) return [];
    const { index } = this.context.state();
    const plane = planeOf(series, index);
    return [...this.corners(map, index)].flatMap(([value, corner]) => {
      const label = this.context.classes().find((one) => one.value === value);
      if (!label) return [];
      const points = [[...toWorld(plane, corner)] as Types.Point3];
      return [{ id: `class-${label.code}`, text: label.name, colour: label.colour, points }];
    });
  }

  private corners(map: Labelmap, index: number): Map<number, Corner> {
    const of = `${index}/${map.revision}`;
    // During a stroke, names may lag behind: looking for them would slow the brush down.
    if (this.located?.of !== of && !(this.located && this.stroke))
      this.located = { of, corners: map.corners(index) };
    return this.located.corners;
  }

  private project(): void {
    const map = this.series && this.context.record.labelmaps.get(this.series.id);
    if (!this.series || !map || map === this.projected || !this.context.possible) return;
    this.drop();
    this.projection = new LabelmapProjection(
      this.context.viewport.id,
      this.series,
      map,
      this.context.classes(),
    );
    this.projected = map;
    if (!this.visible) this.projection.setVisible(false);
  }

  /** Makes the labelmap ready to be painted on, so that the first stroke need not wait for it. */
  prepare(): Labelmap | null {
    const { series } = this;
    if (!series || !this.context.possible || !hasOneSize(series)) return null;
    const { frame_count: frames, rows, columns } = series;
    const map = this.context.record.labelmap(series.id, frames, rows, columns);
    this.project();
    return map;
  }

  private get erasing(): boolean {
    return this.context.state().tool === 'eraser';
  }

  outline() {
    const { zoom, brush } = this.context.state();
    if (!this.series) return null;
    const { columnSpacing } = planeOf(this.series, this.context.state().index);
    const colour = this.erasing ? ERASER_COLOUR : (this.context.activeClass()?.colour ?? ERASER_COLOUR);
    return { radius: (brush.radiusMm / columnSpacing) * zoom, colour, erasing: this.erasing };
  }

  begin(world: Types.Point3): boolean {
    const label = this.context.activeClass();
    const { series } = this;
    if (!series || !this.context.possible || (!label && !this.erasing)) return false;
    const map = this.prepare();
    if (!map) return false;
    const { brush, index } = this.context.state();
    const plane = planeOf(series, index);
    this.stroke = new Stroke(
      map,
      {
        radiusMm: brush.radiusMm,
        shape: brush.ball ? 'ball' : 'disc',
        value: this.erasing ? 0 : (label as LabelClass).value,
      },
      { column: plane.columnSpacing, row: plane.rowSpacing, frame: series.slice_spacing },
    );
    this.move(world);
    return true;
  }

  move(world: Types.Point3): void {
    const { series, stroke } = this;
    if (!series || !stroke) return;
    const { index } = this.context.state();
    const [column, row] = toPixel(planeOf(series, index), world);
    const frames = stroke.moveTo([column, row, index] as Voxel);
    if (frames.size > 0) this.projection?.refresh([...frames]);
  }

  end(): void {
    const { series, stroke } = this;
    this.stroke = null;
    const patch = stroke?.finish();
    if (!series || !patch) return;
    const { titles } = this.context;
    const title = this.erasing ? titles.erased : titles.painted(this.context.activeClass()?.name ?? '');
    this.context.record.painted(series.id, patch, title);
  }
}
