/**
 * Draws the record's marks with the drawing library, and reads back what the reader draws or drags.
 * The library's annotation carries the UUID of which the mark's tracking UID is made.
 */

import { Enums as CoreEnums, eventTarget, type Types } from '@cornerstonejs/core';
import {
  annotation as annotations,
  cancelActiveManipulations,
  Enums,
  type Types as ToolTypes,
  utilities,
} from '@cornerstonejs/tools';
import type { Label } from './label-tool';
import { namesOf } from './landmarks';
import { drawingOf, emptyTextBox, mutable, NO_CLASS_COLOUR, styleOf } from './mark-look';
import { frameIndexOf, measure } from './measure';
import { planeOf } from './plane';
import { clickAtOnce } from './quick-click';
import type { CaseRecord, Change } from './record';
import { toVoxel } from './section';
import { drawMark, isOutside, kindOfTool, readPoints, SHAPES } from './shapes';
import type {
  DrawnKind,
  FrameDescription,
  LabelClass,
  Mark,
  Point,
  Refusal,
  SectionOf,
  SeriesDisplay,
} from './types';
import { uidFromUuid, uuidFromUid } from './uids';

type Annotation = ToolTypes.Annotation;
const { Events } = Enums;
const RELEASES = [Events.MOUSE_UP, Events.MOUSE_CLICK];

export interface Titles {
  added: (kind: DrawnKind, label: string) => string;
  moved: (kind: DrawnKind, label: string) => string;
}

interface Context {
  record: CaseRecord;
  classes: () => readonly LabelClass[];
  titles: Titles;
  /** The class that a new mark gets. */
  activeClass: () => LabelClass | null;
  /** The reader selected a mark in the image, or none ('') any more; `drawn` if it was drawn just now. */
  onSelect: (uid: string, drawn: boolean) => void;
  /** The name that the next point of the class gets; null if all are placed. */
  nextLandmark: (label: LabelClass) => string | null;
  refuse: (why: Refusal) => void;
  /** Whether the series is the reader's to draw in. */
  mine: (seriesId: number) => boolean;
}

interface Pane {
  viewport: Types.IStackViewport;
  element: HTMLDivElement;
  /** Shown there and ready to be drawn in; null while it changes. */
  series: SeriesDisplay | null;
  stop: () => void;
}

/** One for all panes: the library shows a drawing in each pane that shows its image. */
export class MarkProjection {
  private readonly panes = new Map<string, Pane>();
  private readonly drawn = new Map<string, Annotation>();
  private readonly drafts = new Map<string, { label: LabelClass; pane: Pane }>();
  private cancelling = false;
  private hidden = false;
  private readonly stopWatching: () => void;

  constructor(private readonly context: Context) {
    const handlers: [string, (event: Event) => void][] = [
      [Events.ANNOTATION_ADDED, (event) => this.started(event)],
      [Events.ANNOTATION_COMPLETED, (event) => this.completed(event)],
      [Events.ANNOTATION_SELECTION_CHANGE, () => context.onSelect(this.selected()[0] ?? '', false)],
    ];
    for (const [name, handler] of handlers) eventTarget.addEventListener(name, handler);
    this.stopWatching = () => {
      for (const [name, handler] of handlers) eventTarget.removeEventListener(name, handler);
    };
  }

  /** From now on marks are drawn in that viewport too. */
  attach(viewport: Types.IStackViewport, element: HTMLDivElement): void {
    const released = () => queueMicrotask(() => this.readDragged());
    // A short press is a click to the library, even if it dragged something.
    for (const name of RELEASES) element.addEventListener(name, released);
    // Some marks are drawn with several clicks: all of them on one image.
    const turned = () =>
      [...this.drafts.values()].some(({ pane }) => pane.element === element) && this.cancel();
    element.addEventListener(CoreEnums.Events.STACK_NEW_IMAGE, turned);
    const waitAgain = clickAtOnce(element);
    const stop = () => {
      waitAgain();
      for (const name of RELEASES) element.removeEventListener(name, released);
      element.removeEventListener(CoreEnums.Events.STACK_NEW_IMAGE, turned);
    };
    this.panes.set(viewport.id, { viewport, element, series: null, stop });
  }

  detach(viewportId: string): void {
    this.leave(viewportId);
    this.panes.get(viewportId)?.stop();
    this.panes.delete(viewportId);
  }

  close(): void {
    this.stopWatching();
    for (const id of [...this.panes.keys()]) this.detach(id);
    this.clear();
  }

  labels(viewportId: string): Label[] {
    const imageId = this.panes.get(viewportId)?.viewport.getCurrentImageId();
    const here = [...this.drawn].filter(
      ([, { metadata, isVisible }]) => isVisible && metadata?.referencedImageId === imageId,
    );
    return here.map(([id, drawing]) => {
      const { handles, outline } = drawingOf(drawing);
      const label = this.classOf(this.context.record.marks.get(id)?.label_class ?? '', id);
      const points = (outline.length ? outline : handles).map(mutable);
      return { id, text: drawing.data.label ?? '', colour: label?.colour ?? NO_CLASS_COLOUR, points };
    });
  }

  /** Shows the marks of this series in that viewport, and of no other there. */
  open(viewportId: string, series: SeriesDisplay): void {
    const pane = this.panes.get(viewportId);
    if (!pane) return;
    pane.series = series;
    this.syncAll();
  }

  /** Shows no marks there, and takes none, until the next series is opened. */
  leave(viewportId: string): void {
    this.cancel();
    const pane = this.panes.get(viewportId);
    if (!pane?.series) return;
    pane.series = null;
    this.syncAll();
  }

  follow(change: Change): void {
    if (change.kind === 'mark') this.sync(change.uid);
    if (change.kind === 'look' && this.drawn.has(change.target)) this.sync(change.target);
    if (change.kind === 'everything') this.syncAll();
  }

  syncAll(): void {
    const all = new Set([...this.drawn.keys(), ...this.context.record.marks.keys()]);
    for (const uid of all) this.sync(uid);
  }

  /** Makes the drawing of one mark equal to its record. */
  sync(uid: string): void {
    const mark = this.context.record.marks.get(uid);
    const place = mark ? this.placeOf(mark) : null;
    const existing = this.drawn.get(uid);
    const selected = this.selected().includes(uid);
    if (existing) this.erase(uid, existing);
    if (mark && place) this.draw(mark, place);
    if (selected) this.select(uid);
    this.render();
  }

  /** A pane that shows the series on one of whose frames the mark lies. */
  private placeOf(mark: Mark): Place | null {
    for (const pane of this.panes.values()) {
      const { series } = pane;
      const index = series && !series.section ? frameIndexOf(series, mark) : -1;
      if (series && index >= 0) return { pane, series, index };
    }
    return null;
  }

  /** Ends a drawing in progress without keeping it; false if there was none. */
  cancel(): boolean {
    this.cancelling = true;
    const cancelled = [...this.panes.values()].map(({ element }) => cancelActiveManipulations(element));
    this.cancelling = false;
    // The library does not name every tool's drawing that it cancelled, and drops some on its own.
    const begun = [...this.drafts.keys()].filter((uuid) => annotations.state.getAnnotation(uuid));
    const moved = this.moved().map(({ mark }) => mark.tracking_uid);
    for (const uuid of begun) annotations.state.removeAnnotation(uuid);
    this.drafts.clear();
    for (const uid of moved) this.sync(uid);
    this.render();
    return cancelled.some(Boolean) || begun.length + moved.length > 0;
  }

  setHidden(hidden: boolean): void {
    this.hidden = hidden;
    for (const [uid, drawing] of this.drawn) drawing.isVisible = this.isShown(uid);
    this.render();
  }

  private isShown(uid: string): boolean {
    return !this.hidden && !this.context.record.look(uid).hidden;
  }

  /** Selects one mark, or none. */
  select(uid: string): void {
    const drawing = this.drawn.get(uid);
    if (drawing?.annotationUID)
      annotations.selection.setAnnotationSelected(drawing.annotationUID, true, false);
    else annotations.selection.deselectAnnotation();
    this.render();
  }

  /** Whether a press of the button would take hold of a mark. */
  get isOverMark(): boolean {
    return [...this.drawn.values()].some(({ highlighted }) => highlighted);
  }

  private selected(): string[] {
    return annotations.selection
      .getAnnotationsSelected()
      .map(uidFromUuid)
      .filter((uid) => this.drawn.has(uid));
  }

  private render(): void {
    utilities.triggerAnnotationRenderForViewportIds([...this.panes.keys()]);
  }

  private clear(): void {
    this.cancel();
    for (const [uid, drawing] of this.drawn) this.erase(uid, drawing);
  }

  private erase(uid: string, drawing: Annotation): void {
    this.drawn.delete(uid);
    if (drawing.annotationUID) annotations.state.removeAnnotation(drawing.annotationUID);
  }

  private draw(mark: Mark, { pane, series, index }: Place): void {
    const uuid = uuidFromUid(mark.tracking_uid) ?? mark.tracking_uid;
    const plane = planeOf(series, index);
    const { handles, outline } = drawMark(mark, plane);
    const label = this.classOf(mark.label_class, mark.tracking_uid);
    const drawing = {
      annotationUID: uuid,
      highlighted: false,
      isLocked: false,
      invalidated: true,
      metadata: {
        ...pane.viewport.getViewReference({ sliceIndex: index }),
        toolName: SHAPES[mark.kind as DrawnKind].tool,
      },
      data: {
        label: [label?.name ?? mark.label_class, measure(mark, plane), mark.text].filter(Boolean).join(' '),
        cachedStats: {},
        handles: { points: handles.map(mutable), activeHandleIndex: null, textBox: emptyTextBox() },
        contour: { polyline: outline.map(mutable), closed: mark.kind !== 'polyline' },
      },
    } as unknown as Annotation;
    this.drawn.set(mark.tracking_uid, drawing);
    this.style(uuid, label);
    annotations.state.addAnnotation(drawing, pane.element);
    // The library shows whatever is added.
    drawing.isVisible = this.isShown(mark.tracking_uid);
  }

  /** The class of that code, in the colour that the mark was given if it was given one. */
  private classOf(code: string, uid = ''): LabelClass | null {
    const label = this.context.classes().find((one) => one.code === code);
    return label ? { ...label, colour: this.context.record.look(uid).colour ?? label.colour } : null;
  }

  private style(uuid: string, label: LabelClass | null): void {
    annotations.config.style.setAnnotationStyles(uuid, styleOf(label, this.context.classes()));
  }

  // A drawing that is not ours yet has just begun: it takes the armed class's name and look.
  private started(event: Event): void {
    const { annotation: drawing, viewportId } = (event as CustomEvent).detail as {
      annotation: Annotation;
      viewportId?: string;
    };
    const uuid = drawing.annotationUID;
    const pane = this.panes.get(viewportId ?? '');
    if (!uuid || !pane || this.isOurs(drawing)) return;
    const label = this.context.activeClass();
    if (!label) return;
    this.drafts.set(uuid, { label, pane });
    drawing.data.label = label.name;
    this.style(uuid, label);
  }

  private isOurs(drawing: Annotation): boolean {
    return (
      this.drawn.has(uidFromUuid(drawing.annotationUID as string)) ||
      [...this.drawn.values()].includes(drawing)
    );
  }

  private completed(event: Event): void {
    const drawing = ((event as CustomEvent).detail as { annotation: Annotation }).annotation;
    const uuid = drawing.annotationUID as string;
    const draft = this.drafts.get(uuid);
    if (!draft || this.cancelling) return;
    this.drafts.delete(uuid);
    const { label } = draft;
    const read = this.read(drawing, label.code, draft.pane);
    annotations.state.removeAnnotation(uuid);
    const mark = read && this.named(read, label);
    if (!mark) return this.render();
    const title = this.context.titles.added(mark.kind as DrawnKind, mark.text || label.name);
    this.context.record.setMark(mark.tracking_uid, mark, title);
    if (mark.kind === 'arrow') this.announce(mark.tracking_uid);
  }

  /** A point of a class that names its landmarks is the next of them; null once all are placed. */
  private named(mark: Mark, label: LabelClass): Mark | null {
    if (mark.kind !== 'landmark' || namesOf(label).length === 0) return mark;
    const text = this.context.nextLandmark(label);
    if (text === null) this.context.refuse('allPlaced');
    return text === null ? null : { ...mark, text };
  }

  /** An arrow points at something: its text is asked for as soon as it is drawn. */
  private announce(uid: string): void {
    this.select(uid);
    this.context.onSelect(uid, true);
  }

  private read(drawing: Annotation, labelClass: string, pane: Pane): Mark | null {
    const kind = kindOfTool(drawing.metadata?.toolName ?? '');
    const place = kind && this.drawnAt(drawing, pane);
    if (!kind || !place) return null;
    const { series, index } = place;
    const { sop_instance_uid, frame } = series.frames[index] as FrameDescription;
    const points = readPoints(kind, drawingOf(drawing), planeOf(series, index));
    if (isSlip(kind, points, series, index)) return null;
    return {
      tracking_uid: uidFromUuid(drawing.annotationUID as string),
      kind,
      label_class: labelClass,
      sop_instance_uid,
      frame,
      points_px: points,
      mask: null,
      series: null,
      text: '',
    };
  }

  /** The frame that it was drawn on: in a plane through a volume, the one that all of it lies nearest to. */
  private drawnAt(drawing: Annotation, pane: Pane): Place | null {
    const { series } = pane;
    if (!series) return null;
    const source = series.section?.source ?? series;
    const index = series.section
      ? frameThrough(series.section, drawing)
      : pane.viewport.getCurrentImageIdIndex();
    if (!this.context.mine(source.id)) this.context.refuse('beside');
    else if (index === null) this.context.refuse('spread');
    else return { pane, series: source, index };
    return null;
  }

  /** The marks whose drawing lies elsewhere than the record says, and where. */
  private moved(): { mark: Mark; points: Point[]; place: Place }[] {
    return [...this.drawn].flatMap(([uid, drawing]) => {
      const mark = this.context.record.marks.get(uid);
      const place = mark && this.placeOf(mark);
      if (!mark || !place) return [];
      const plane = planeOf(place.series, place.index);
      const points = readPoints(mark.kind as DrawnKind, drawingOf(drawing), plane);
      return JSON.stringify(points) === JSON.stringify(mark.points_px) ? [] : [{ mark, points, place }];
    });
  }

  // The library says little about the end of a drag; what lies elsewhere than its record was dragged.
  private readDragged(): void {
    for (const { mark, points, place } of this.moved()) {
      const kind = mark.kind as DrawnKind;
      if (isSlip(kind, points, place.series, place.index)) this.sync(mark.tracking_uid);
      else {
        const label = this.classOf(mark.label_class)?.name ?? mark.label_class;
        const changed = { ...mark, points_px: points };
        this.context.record.setMark(mark.tracking_uid, changed, this.context.titles.moved(kind, label));
      }
    }
  }
}

interface Place {
  pane: Pane;
  series: SeriesDisplay;
  index: number;
}

function isSlip(kind: DrawnKind, points: readonly Point[], series: SeriesDisplay, index: number): boolean {
  const { rows, columns } = { ...series, ...series.frames[index] };
  return SHAPES[kind].isEmpty(points) || isOutside(points, rows, columns);
}

/** The frame of the volume within half a slice of which all of the drawing lies; null if there is none. */
function frameThrough({ box }: SectionOf, drawing: Annotation): number | null {
  const { handles, outline } = drawingOf(drawing);
  const depths = [...handles, ...outline].map((point) => toVoxel(box, point)[2]);
  const index = Math.round(depths.reduce((sum, depth) => sum + depth, 0) / depths.length);
  const within = depths.every((depth) => Math.abs(depth - index) <= 0.5 + 1e-3);
  return within && index >= 0 && index < box.size[2] ? index : null;
}
