/** What becomes of an outline that was drawn over the image: a contour mark, or scissors through the labelmap. */

import type { Types } from '@cornerstonejs/core';
import type { Painter } from './painter';
import { planeOf, toPixel } from './plane';
import type { CaseRecord } from './record';
import { isOutside, SHAPES } from './shapes';
import { dropCorner, type SketchMode, sketchFor, type Taker } from './sketch-tool';
import type { ViewerState } from './state';
import type { LabelClass, Mark, Point, Refusal, SeriesDisplay } from './types';
import { uidFromUuid } from './uids';

interface Context {
  viewport: Types.IStackViewport;
  record: CaseRecord;
  painter: Painter;
  state: () => ViewerState;
  activeClass: () => LabelClass | null;
  titles: { added: (kind: 'contour', label: string) => string };
  refuse: (why: Refusal) => void;
  /** Whether the series is the reader's to draw in. */
  mine: (seriesId: number) => boolean;
}

const ERASING = '#e8eaed';

export class Outliner implements Taker {
  readonly close: () => void;

  constructor(private readonly context: Context) {
    this.close = sketchFor(context.viewport.id, this);
  }

  /** Takes the last corner of a polygon back; false if none is being drawn. */
  takeBack(): boolean {
    return dropCorner(this.context.viewport.id);
  }

  begin(): { mode: SketchMode; colour: string; dashed: boolean } | null {
    const { tool, scissors, series } = this.context.state();
    const why = series && whyNoOutline(series, this.context.mine);
    if (why) {
      this.context.refuse(why);
      return null;
    }
    const label = this.context.activeClass();
    if (tool === 'polygon') return label && { mode: 'polygon', colour: label.colour, dashed: false };
    if (tool !== 'scissors' || !this.context.painter.mayPaint(scissors.erase)) return null;
    const colour = scissors.erase ? ERASING : (label?.colour ?? ERASING);
    return { mode: scissors.shape, colour, dashed: scissors.erase };
  }

  finish(world: readonly Types.Point3[]): void {
    const { series, index, tool } = this.context.state();
    if (!series) return;
    const plane = planeOf(series, index);
    const points = world.map((point) => toPixel(plane, point));
    if (SHAPES.contour.isEmpty(points)) return;
    if (tool === 'polygon')
      this.keep(points.map(([column, row]): Point => [thousandths(column), thousandths(row)]));
    else this.context.painter.cut(points);
  }

  private keep(points: Point[]): void {
    const { series, index } = this.context.state();
    const label = this.context.activeClass();
    const frame = series?.frames[index];
    if (!series || !frame || !label) return;
    if (isOutside(points, frame.rows ?? series.rows, frame.columns ?? series.columns)) return;
    const mark: Mark = {
      tracking_uid: uidFromUuid(crypto.randomUUID()),
      kind: 'contour',
      label_class: label.code,
      sop_instance_uid: frame.sop_instance_uid,
      frame: frame.frame,
      points_px: points,
      mask: null,
      series: null,
      text: '',
    };
    this.context.record.setMark(mark.tracking_uid, mark, this.context.titles.added('contour', label.name));
  }
}

/** An outline lies in one image, and not in a plane across several. */
function whyNoOutline({ id, section }: SeriesDisplay, mine: Context['mine']): Refusal | null {
  if (section) return 'inPlane';
  return mine(id) ? null : 'beside';
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;
