/** Brushes, eraser and scissors on the series that is open: what they do goes into the record's labelmap, step by step. */

import { cache, imageLoader, type Types } from '@cornerstonejs/core';
import { utilities } from '@cornerstonejs/tools';
import type { Vertex } from '../voxels/polygon';
import { brightPart, extremes, rangeUnder, type ValueRange } from '../voxels/ranges';
import { scissorsPatch } from '../voxels/scissors';
import { rgba } from './colours';
import { FrameMask } from './frame-mask';
import { imageIdOf } from './frames';
import type { Label } from './label-tool';
import { type Brush, type Corner, Labelmap, type Limits, Stroke, type Voxel } from './labelmap';
import type { PaintedFrame } from './lens';
import { type Appearance, appearanceOf, lockedValues } from './looks';
import type { MaskSheet } from './mask-sheet';
import { type Canvas, paintOn } from './paint-tool';
import { planeOf, toPixel, toWorld } from './plane';
import { toVoxel } from './section';
import { SectionMask } from './section-mask';
import { SectionStroke } from './section-stroke';
import type { CaseRecord, Change } from './record';
import type { ViewerState } from './state';
import type { Echoing, StrokeEcho } from './stroke-echo';
import type { LabelClass, Refusal, SeriesDisplay } from './types';
import { isColour } from './windows';

export interface PaintTitles {
  painted: (label: string) => string;
  erased: string;
  cut: (label: string) => string;
  cutAway: string;
}

interface Context {
  viewport: Types.IStackViewport;
  record: CaseRecord;
  classes: () => readonly LabelClass[];
  titles: PaintTitles;
  state: () => ViewerState;
  activeClass: () => LabelClass | null;
  /** False where labelmaps cannot be drawn. */
  possible: boolean;
  onRange: (threshold: ValueRange) => void;
  /** Where other panes hear of a stroke that goes on. */
  strokes: StrokeEcho;
  refuse: (why: Refusal) => void;
  /** Whether the series is the reader's to draw in, and not one to look at beside the case. */
  mine: (seriesId: number) => boolean;
}

const ERASER_COLOUR = '#e8eaed';

/** A labelmap needs frames of one size. */
function hasOneSize({ rows, columns, frames }: SeriesDisplay): boolean {
  return frames.every((frame) => (frame.rows ?? rows) === rows && (frame.columns ?? columns) === columns);
}

export class Painter implements Canvas, Echoing {
  private series: SeriesDisplay | null = null;
  private projection: MaskSheet | null = null;
  private projected: Labelmap | null = null;
  private stroke: Stroke | null = null;
  private pointer: Types.Point3 | null = null;
  private visible = true;
  /** Where the classes lie on one frame of one state of the labelmap. */
  private located: { of: string; corners: Map<number, Corner> } | null = null;

  constructor(private readonly context: Context) {
    paintOn(context.viewport.id, this);
  }

  /** The series that the labelmap belongs to: of a plane, the one that it is laid through. */
  private get source(): SeriesDisplay | null {
    return this.series?.section?.source ?? this.series;
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
    this.pointer = null;
  }

  close(): void {
    this.drop();
    paintOn(this.context.viewport.id, null);
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.projection?.setVisible(visible);
  }

  follow(change: Change): void {
    if (change.kind === 'mark' || change.kind === 'answer') return;
    if (change.kind === 'everything') {
      this.drop();
      this.project();
    }
    if (change.kind === 'voxels') this.echo(change.series);
    if (change.kind === 'look') this.projection?.restyle(this.segments());
    utilities.triggerAnnotationRenderForViewportIds([this.context.viewport.id]);
  }

  echo(seriesId: number): void {
    if (seriesId !== this.source?.id) return;
    this.project();
    this.projection?.draw();
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
    return { values: this.projection?.values ?? map.frame(this.context.state().index), colours };
  }

  private drop(): void {
    this.projection?.close();
    this.projection = null;
    this.projected = null;
    this.located = null;
  }

  private segments(): Appearance[] {
    const { classes, record } = this.context;
    return classes().map((label) => appearanceOf(label, record.look));
  }

  private locked(): Uint8Array {
    return lockedValues(this.context.classes(), this.context.record.look);
  }

  /** A picture is up: what is painted in it is drawn over it. */
  pictured(): void {
    this.projection?.draw();
  }

  /** Voxels of each class in the plane shown; null where a frame of the series itself is. */
  get inPlane(): ReadonlyMap<number, number> | null {
    return this.projection instanceof SectionMask ? this.projection.counts() : null;
  }

  /** The names of the classes that are painted on the frame shown. */
  labels(): Label[] {
    const { series, projected: map } = this;
    if (!series || !map || !this.visible) return [];
    const { index } = this.context.state();
    const plane = planeOf(series, index);
    const segments = this.segments();
    return [...this.corners(map, index)].flatMap(([value, corner]) => {
      const segment = segments.find((one) => one.value === value);
      if (!segment || segment.hidden) return [];
      const points = [[...toWorld(plane, corner)] as Types.Point3];
      return [{ id: `class-${segment.code}`, text: segment.name, colour: segment.colour, points }];
    });
  }

  private corners(map: Labelmap, index: number): Map<number, Corner> {
    const of = `${index}/${map.revision}`;
    // During a stroke, names may lag behind: looking for them would slow the brush down.
    if (this.located?.of !== of && !(this.located && this.stroke))
      this.located = { of, corners: this.projection?.corners() ?? new Map() };
    return this.located.corners;
  }

  private project(): void {
    const { series, source } = this;
    const map = source && this.context.record.labelmaps.get(source.id);
    if (!series || !map || map === this.projected || !this.context.possible) return;
    this.drop();
    const { viewport } = this.context;
    const Sheet = series.section ? SectionMask : FrameMask;
    this.projection = new Sheet(viewport, series, map, this.segments());
    this.projected = map;
    this.projection.setVisible(this.visible);
  }

  /** Makes the labelmap ready to be painted on, so that the first stroke need not wait for it. */
  prepare(): Labelmap | null {
    const { source } = this;
    if (!source || !this.context.possible || !this.context.mine(source.id) || !hasOneSize(source))
      return null;
    const { frame_count: frames, rows, columns } = source;
    const map = this.context.record.labelmap(source.id, frames, rows, columns);
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
    const label = this.context.activeClass();
    const colour =
      this.erasing || !label ? ERASER_COLOUR : appearanceOf(label, this.context.record.look).colour;
    return { radius: (brush.radiusMm / columnSpacing) * zoom, colour, erasing: this.erasing };
  }

  /** Whether voxels may be changed here; if not, the reader is told why. */
  mayPaint(erasing: boolean): boolean {
    const label = this.context.activeClass();
    const { source } = this;
    if (!source || !this.context.possible || (!label && !erasing)) return false;
    if (!this.context.mine(source.id)) {
      this.context.refuse('beside');
      return false;
    }
    if (!erasing && label && this.locked()[label.value]) {
      this.context.refuse('locked');
      return false;
    }
    return true;
  }

  begin(world: Types.Point3): boolean {
    const { series } = this;
    if (!series || !this.mayPaint(this.erasing)) return false;
    const map = this.prepare();
    const limits = this.limits();
    if (!map || !limits) return false;
    const { brush } = this.context.state();
    const stamp = {
      radiusMm: brush.radiusMm,
      shape: brush.ball ? ('ball' as const) : ('disc' as const),
      value: this.erasing ? 0 : (this.context.activeClass()?.value ?? 0),
    };
    this.stroke = this.strokeOn(map, series, stamp, limits);
    this.move(world);
    return true;
  }

  /** Null where the tool cannot work; then the reader is told why. */
  private limits(): Limits | null {
    const { tool, threshold } = this.context.state();
    const locked = this.locked();
    if (tool !== 'threshold') return { locked };
    const range = threshold ?? this.suggestRange();
    if (!range || !this.isLoadedAround()) {
      this.context.refuse(this.series && isColour(this.series) ? 'colours' : 'notLoaded');
      return null;
    }
    return { locked, range: { ...range, pixels: (frame) => this.pixels(this.source, frame) } };
  }

  private pixels(series: SeriesDisplay | null, frame: number): ArrayLike<number> | null {
    if (!series || isColour(series)) return null;
    return cache.getImage(imageIdOf(series.id, frame))?.getPixelData() ?? null;
  }

  /** The pixels of one frame, in real units; waits for them if they are not here yet. */
  async load(series: SeriesDisplay, frame: number): Promise<ArrayLike<number>> {
    return (await imageLoader.loadAndCacheImage(imageIdOf(series.id, frame))).getPixelData();
  }

  /** Whether all images that the brush reaches are here: in those that are not, it would paint nothing. */
  private isLoadedAround(): boolean {
    const { source } = this;
    const { brush, index } = this.context.state();
    const gap = source?.slice_spacing;
    const through = brush.ball && gap ? Math.floor(brush.radiusMm / gap) : 0;
    const last = (source?.frame_count ?? 0) - 1;
    const [from, to] = this.series?.section ? [0, last] : [index - through, index + through];
    for (let frame = Math.max(0, from); frame <= Math.min(to, last); frame++)
      if (!this.pixels(source, frame)) return false;
    return true;
  }

  private shownPixels(): ArrayLike<number> | null {
    return this.pixels(this.series, this.context.state().index);
  }

  /** The brighter part of the frame shown. */
  suggestRange(): ValueRange | null {
    const pixels = this.shownPixels();
    return pixels && brightPart(pixels);
  }

  /** The darkest and the brightest pixel of the frame shown. */
  extremes(): ValueRange | null {
    const pixels = this.shownPixels();
    return pixels && extremes(pixels);
  }

  hover(world: Types.Point3): void {
    this.pointer = world;
  }

  sample(): void {
    const { series, pointer } = this;
    const { index, brush } = this.context.state();
    const pixels = this.shownPixels();
    if (!series || !pointer || !pixels) return this.context.refuse('colours');
    const plane = planeOf(series, index);
    const [column, row] = toPixel(plane, pointer);
    const spacing = { column: plane.columnSpacing, row: plane.rowSpacing, frame: null };
    const stamp = { radiusMm: brush.radiusMm, shape: 'disc', value: 1 } as const;
    const under = new Stroke(new Labelmap(1, series.rows, series.columns), stamp, spacing);
    under.moveTo([column, row, 0]);
    const patch = under.finish();
    if (patch) this.context.onRange(rangeUnder(patch, pixels));
  }

  private strokeOn(map: Labelmap, series: SeriesDisplay, brush: Brush, limits: Limits): Stroke {
    const { section } = series;
    if (section) return new SectionStroke(map, brush, section.box, section.grid.through, limits);
    const plane = planeOf(series, this.context.state().index);
    const { columnSpacing: column, rowSpacing: row } = plane;
    return new Stroke(map, brush, { column, row, frame: series.slice_spacing }, limits);
  }

  move(world: Types.Point3): void {
    const { series, stroke } = this;
    if (!series || !stroke) return;
    const frames = stroke.moveTo(this.voxelAt(series, world));
    if (frames.size === 0 || !this.source) return;
    this.projection?.draw();
    this.context.strokes.painted(this, this.source.id);
  }

  private voxelAt(series: SeriesDisplay, world: Types.Point3): Voxel {
    if (series.section) return toVoxel(series.section.box, world);
    const { index } = this.context.state();
    const [column, row] = toPixel(planeOf(series, index), world);
    return [column, row, index];
  }

  end(): void {
    const { source, stroke } = this;
    this.stroke = null;
    this.context.strokes.over();
    const patch = stroke?.finish();
    if (!source || !patch) return;
    const { titles } = this.context;
    const title = this.erasing ? titles.erased : titles.painted(this.context.activeClass()?.name ?? '');
    this.context.record.painted(source.id, patch, title);
  }

  /** Fills or empties what is inside an outline in pixels of the frame shown. */
  cut(outline: readonly Vertex[]): void {
    const map = this.prepare();
    const { scissors, index } = this.context.state();
    const label = this.context.activeClass();
    if (!map || !this.series || !label) return;
    const frames = scissors.all ? [...Array(map.frames).keys()] : [index];
    const value = scissors.erase ? 0 : label.value;
    const patch = scissorsPatch(map.bytes, map, outline, { frames, value, locked: this.locked() });
    const { titles } = this.context;
    const title = scissors.erase ? titles.cutAway : titles.cut(label.name);
    if (patch) this.context.record.repaint(this.series.id, patch, title);
  }
}
