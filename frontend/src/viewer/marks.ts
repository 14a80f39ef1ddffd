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
import { frameIndexOf, measure } from './measure';
import { planeOf } from './plane';
import { clickAtOnce } from './quick-click';
import type { CaseRecord, Change } from './record';
import { drawMark, isOutside, kindOfTool, readPoints, SHAPES } from './shapes';
import type { DrawnKind, LabelClass, Mark, Point, SeriesDisplay, Vector } from './types';
import { uidFromUuid, uuidFromUid } from './uids';

type Annotation = ToolTypes.Annotation;
const { Events } = Enums;
const RELEASES = [Events.MOUSE_UP, Events.MOUSE_CLICK];

/** Line styles told apart without colour; the class's place in the schema chooses. */
const NO_CLASS_COLOUR = '#e8eaed';
const DASHES = ['', '7,4', '2,3', '9,3,2,3'];

export interface Titles {
  added: (kind: DrawnKind, label: string) => string;
  moved: (kind: DrawnKind, label: string) => string;
}

interface Context {
  viewport: Types.IStackViewport;
  element: HTMLDivElement;
  record: CaseRecord;
  classes: () => readonly LabelClass[];
  titles: Titles;
  /** The class that a new mark gets. */
  activeClass: () => LabelClass | null;
  /** The reader selected a mark in the image, or none ('') any more; `drawn` if it was drawn just now. */
  onSelect: (uid: string, drawn: boolean) => void;
}

export class MarkProjection {
  private series: SeriesDisplay | null = null;
  private readonly drawn = new Map<string, Annotation>();
  private readonly drafts = new Map<string, LabelClass>();
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
    const released = () => queueMicrotask(() => this.readDragged());
    // A short press is a click to the library, even if it dragged something.
    for (const name of RELEASES) context.element.addEventListener(name, released);
    // Some marks are drawn with several clicks: all of them on one image.
    const turned = () => this.drafts.size > 0 && this.cancel();
    context.element.addEventListener(CoreEnums.Events.STACK_NEW_IMAGE, turned);
    const waitAgain = clickAtOnce(context.element);
    this.stopWatching = () => {
      waitAgain();
      for (const [name, handler] of handlers) eventTarget.removeEventListener(name, handler);
      for (const name of RELEASES) context.element.removeEventListener(name, released);
      context.element.removeEventListener(CoreEnums.Events.STACK_NEW_IMAGE, turned);
    };
  }

  close(): void {
    this.stopWatching();
    this.clear();
  }

  labels(): Label[] {
    const imageId = this.context.viewport.getCurrentImageId();
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

  /** Shows the marks of this series, and no others. */
  open(series: SeriesDisplay): void {
    this.clear();
    this.series = series;
    this.syncAll();
  }

  /** Shows no marks, and takes none, until the next series is opened. */
  leave(): void {
    this.cancel();
    this.clear();
    this.series = null;
  }

  follow(change: Change): void {
    if (change.kind === 'mark') this.sync(change.uid);
    if (change.kind === 'look' && this.drawn.has(change.target)) this.sync(change.target);
    if (change.kind === 'everything') this.syncAll();
  }

  syncAll(): void {
    for (const uid of [...this.drawn.keys()]) if (!this.context.record.marks.has(uid)) this.sync(uid);
    for (const uid of this.context.record.marks.keys()) this.sync(uid);
  }

  /** Makes the drawing of one mark equal to its record. */
  sync(uid: string): void {
    const mark = this.context.record.marks.get(uid);
    const index = mark ? this.indexOf(mark) : -1;
    const existing = this.drawn.get(uid);
    const selected = this.selected().includes(uid);
    if (existing) this.erase(uid, existing);
    if (mark && index >= 0) this.draw(mark, index);
    if (selected) this.select(uid);
    this.render();
  }

  /** The frame of the open series on which the mark lies; -1 if it is elsewhere. */
  indexOf(mark: Mark): number {
    return this.series ? frameIndexOf(this.series, mark) : -1;
  }

  /** Ends a drawing in progress without keeping it; false if there was none. */
  cancel(): boolean {
    this.cancelling = true;
    const cancelled = cancelActiveManipulations(this.context.element);
    this.cancelling = false;
    // The library does not name every tool's drawing that it cancelled, and drops some on its own.
    const begun = [...this.drafts.keys()].filter((uuid) => annotations.state.getAnnotation(uuid));
    const moved = this.moved().map(({ mark }) => mark.tracking_uid);
    for (const uuid of begun) annotations.state.removeAnnotation(uuid);
    this.drafts.clear();
    for (const uid of moved) this.sync(uid);
    this.render();
    return Boolean(cancelled) || begun.length + moved.length > 0;
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

  render(): void {
    utilities.triggerAnnotationRenderForViewportIds([this.context.viewport.id]);
  }

  private clear(): void {
    this.cancel();
    for (const [uid, drawing] of this.drawn) this.erase(uid, drawing);
  }

  private erase(uid: string, drawing: Annotation): void {
    this.drawn.delete(uid);
    if (drawing.annotationUID) annotations.state.removeAnnotation(drawing.annotationUID);
  }

  private draw(mark: Mark, index: number): void {
    const uuid = uuidFromUid(mark.tracking_uid) ?? mark.tracking_uid;
    const plane = planeOf(this.series as SeriesDisplay, index);
    const { handles, outline } = drawMark(mark, plane);
    const label = this.classOf(mark.label_class, mark.tracking_uid);
    const drawing = {
      annotationUID: uuid,
      highlighted: false,
      isLocked: false,
      invalidated: true,
      metadata: {
        ...this.context.viewport.getViewReference({ sliceIndex: index }),
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
    annotations.state.addAnnotation(drawing, this.context.element);
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
    if (!uuid || this.isOurs(drawing) || (viewportId && viewportId !== this.context.viewport.id)) return;
    const label = this.context.activeClass();
    if (!label) return;
    this.drafts.set(uuid, label);
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
    const label = this.drafts.get(uuid);
    if (!label || this.cancelling) return;
    this.drafts.delete(uuid);
    const mark = this.read(drawing, label.code);
    annotations.state.removeAnnotation(uuid);
    if (!mark) return this.render();
    const title = this.context.titles.added(mark.kind as DrawnKind, label.name);
    this.context.record.setMark(mark.tracking_uid, mark, title);
    if (mark.kind === 'arrow') this.announce(mark.tracking_uid);
  }

  /** An arrow points at something: its text is asked for as soon as it is drawn. */
  private announce(uid: string): void {
    this.select(uid);
    this.context.onSelect(uid, true);
  }

  private read(drawing: Annotation, labelClass: string): Mark | null {
    const kind = kindOfTool(drawing.metadata?.toolName ?? '');
    const index = this.context.viewport.getCurrentImageIdIndex();
    const frame = this.series?.frames[index];
    if (!kind || !frame || !this.series) return null;
    const points = readPoints(kind, drawingOf(drawing), planeOf(this.series, index));
    if (this.isSlip(kind, points, index)) return null;
    return {
      tracking_uid: uidFromUuid(drawing.annotationUID as string),
      kind,
      label_class: labelClass,
      sop_instance_uid: frame.sop_instance_uid,
      frame: frame.frame,
      points_px: points,
      mask: null,
      series: null,
      text: '',
    };
  }

  private isSlip(kind: DrawnKind, points: readonly Point[], index: number): boolean {
    const { frames, rows, columns } = this.series as SeriesDisplay;
    const frame = frames[index];
    return SHAPES[kind].isEmpty(points) || isOutside(points, frame?.rows ?? rows, frame?.columns ?? columns);
  }

  /** The marks whose drawing lies elsewhere than the record says, and where. */
  private moved(): { mark: Mark; points: Point[]; index: number }[] {
    const { series } = this;
    if (!series) return [];
    return [...this.drawn].flatMap(([uid, drawing]) => {
      const mark = this.context.record.marks.get(uid);
      const index = mark ? frameIndexOf(series, mark) : -1;
      if (!mark || index < 0) return [];
      const points = readPoints(mark.kind as DrawnKind, drawingOf(drawing), planeOf(series, index));
      return JSON.stringify(points) === JSON.stringify(mark.points_px) ? [] : [{ mark, points, index }];
    });
  }

  // The library says little about the end of a drag; what lies elsewhere than its record was dragged.
  private readDragged(): void {
    for (const { mark, points, index } of this.moved()) {
      const kind = mark.kind as DrawnKind;
      if (this.isSlip(kind, points, index)) this.sync(mark.tracking_uid);
      else {
        const label = this.classOf(mark.label_class)?.name ?? mark.label_class;
        const changed = { ...mark, points_px: points };
        this.context.record.setMark(mark.tracking_uid, changed, this.context.titles.moved(kind, label));
      }
    }
  }
}

const mutable = (point: Vector): Types.Point3 => [...point];

function drawingOf(drawing: Annotation): { handles: Vector[]; outline: Vector[] } {
  return { handles: drawing.data.handles?.points ?? [], outline: drawing.data.contour?.polyline ?? [] };
}

function emptyTextBox() {
  const zero = (): Types.Point3 => [0, 0, 0];
  return {
    hasMoved: false,
    worldPosition: zero(),
    worldBoundingBox: { topLeft: zero(), topRight: zero(), bottomLeft: zero(), bottomRight: zero() },
  };
}

/** Colour and dash of a class, in the words of the drawing library. */
export function styleOf(
  label: LabelClass | null,
  classes: readonly LabelClass[],
): Record<string, string | boolean> {
  const colour = label?.colour ?? NO_CLASS_COLOUR;
  const place = classes.findIndex(({ code }) => code === label?.code);
  const dash = DASHES[Math.max(0, place) % DASHES.length] as string;
  return {
    color: colour,
    colorHighlighted: '#ffffff',
    colorSelected: colour,
    colorLocked: colour,
    lineWidth: '2',
    lineDash: dash,
    textBoxVisibility: false,
  };
}
