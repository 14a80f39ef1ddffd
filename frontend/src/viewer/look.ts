/**
 * How the image of one viewport is looked at: window, inversion, turn, zoom and place. Not part of what a reader
 * says, so neither stored nor undone; but kept for each series while a case is read.
 */

import type { RenderingEngine, Types } from '@cornerstonejs/core';
import { edgeLetters, type Plane, planeOf, scaleBar, toPixel, toWorld } from './plane';
import type { ViewerState } from './state';
import { flipped, isSideways, rotated, type Turn, UPRIGHT } from './turn';
import type { Point, SeriesDisplay, Vector, Window } from './types';
import {
  fromRange,
  isColour,
  isSameWindow,
  type Preset,
  storedWindow,
  toRange,
  windowOf,
  windowOfPixels,
} from './windows';

interface Context {
  viewport: Types.IStackViewport;
  engine: RenderingEngine;
  element: HTMLDivElement;
  state: () => ViewerState;
  set: (change: Partial<ViewerState>) => void;
}

/** Where a series was left; `place` is null while the image is fitted. */
interface Kept {
  index: number;
  window: Window | null;
  inverted: boolean;
  turn: Turn;
  place: { zoom: number; centre: Point } | null;
}

const NEAR = 0.005;
const NEAR_PX = 1.5;

export class Look {
  private readonly kept = new Map<number, Kept>();
  private turn: Turn = UPRIGHT;
  private initial: Window | null = null;
  private named: Window | null = null;
  private hasMoved = false;

  constructor(private readonly context: Context) {}

  // --- from series to series ---

  /** The frame on which the reader left a series; null if it was not seen here yet. */
  indexOf(seriesId: number): number | null {
    return this.kept.get(seriesId)?.index ?? null;
  }

  /** Remembers how the open series is looked at, for when the reader comes back. */
  leave(): void {
    const { series, phase, index, window, inverted, turn, fitted, zoom } = this.context.state();
    if (!series || phase !== 'ready') return;
    const place = fitted ? null : { zoom, centre: this.centre(planeOf(series, index)) };
    this.kept.set(series.id, { index, window, inverted, turn, place });
  }

  /** Another case: nothing of the one before is looked at in the same way. */
  forget(): void {
    this.kept.clear();
  }

  /** Shows the series, whose first picture is up, as it was left, or else in that window or the one it asks for. */
  open(series: SeriesDisplay, index: number, pixels: ArrayLike<number>, window: Window | null): void {
    const before = this.kept.get(series.id);
    this.turn = before?.turn ?? UPRIGHT;
    this.initial = isColour(series)
      ? null
      : (window ?? storedWindow(series, index) ?? windowOfPixels(pixels));
    this.named = before?.window ?? this.initial;
    if (this.named) this.context.viewport.setProperties({ voiRange: toRange(this.named) });
    this.context.engine.resize(true, false);
    this.fit();
    if (before?.inverted) this.invert();
    if (before?.place) this.go(before.place);
  }

  /** To be called when the viewport has another size. */
  resize(): void {
    const { fitted } = this.context.state();
    this.context.engine.resize(true, true);
    this.applyTurn();
    if (fitted) this.fit();
    else this.read();
  }

  // --- window ---

  setWindow(window: Window): void {
    this.named = window;
    this.context.viewport.setProperties({ voiRange: toRange(window) });
    this.context.viewport.render();
    this.readWindow();
  }

  applyPreset(preset: Preset): void {
    this.setWindow(windowOf(preset, this.context.viewport.getCornerstoneImage().getPixelData()));
  }

  readWindow(): void {
    const { series } = this.context.state();
    const range = this.context.viewport.getProperties().voiRange;
    if (!series || !range || isColour(series)) return this.context.set({ window: null });
    const window = fromRange(range);
    const name = this.named && isSameWindow(this.named, window) ? this.named.name : '';
    this.context.set({ window: { name, ...window } });
  }

  invert(): void {
    const { viewport, state, set } = this.context;
    viewport.setProperties({ invert: !viewport.getProperties().invert });
    viewport.render();
    set({ inverted: !state().inverted });
  }

  // --- turn, zoom and place ---

  flip(axis: 'horizontal' | 'vertical'): void {
    this.turnTo(flipped(this.turn, axis));
  }

  rotate(quarters: 1 | -1): void {
    this.turnTo(rotated(this.turn, quarters));
  }

  // What is in the middle stays there.
  private turnTo(turn: Turn): void {
    const { series, index, fitted } = this.context.state();
    if (!series) return;
    const centre = this.centre(planeOf(series, index));
    this.turn = turn;
    if (fitted) return this.fit();
    this.applyTurn();
    this.centreOn(centre);
    this.context.viewport.render();
    this.read();
  }

  /** Fits the image to the viewport; the window and the turn stay. */
  fit(): void {
    const { viewport } = this.context;
    viewport.resetCamera();
    this.applyTurn();
    const plane = this.plane();
    if (plane) viewport.setZoom(viewport.getZoom() * (this.fittingZoom(plane) / this.zoom(plane)));
    viewport.render();
    this.read();
  }

  /** Window, zoom, place, turn and inversion as they were when the series was first opened. */
  reset(): void {
    const { series, inverted } = this.context.state();
    if (inverted) this.invert();
    if (this.initial) this.setWindow(this.initial);
    if (series) this.kept.delete(series.id);
    this.turn = UPRIGHT;
    this.fit();
  }

  zoomBy(factor: number): void {
    const { viewport } = this.context;
    viewport.setZoom(viewport.getZoom() * factor);
    viewport.render();
    this.read();
  }

  private go({ zoom, centre }: { zoom: number; centre: Point }): void {
    const plane = this.plane();
    if (!plane) return;
    const { viewport } = this.context;
    viewport.setZoom(viewport.getZoom() * (zoom / this.zoom(plane)));
    this.centreOn(centre);
    viewport.render();
    this.read();
  }

  private applyTurn(): void {
    const { viewport } = this.context;
    const flips = { flipHorizontal: this.turn.mirrored, flipVertical: false };
    viewport.setCamera(flips);
    viewport.setViewPresentation({ rotation: this.turn.rotation });
    // Without WebGL, only a camera that is set takes over the rotation.
    viewport.setCamera(flips);
  }

  private centreOn(pixel: Point): void {
    const plane = this.plane();
    const { focalPoint, position } = this.context.viewport.getCamera();
    if (!plane || !focalPoint || !position) return;
    const wanted = toWorld(plane, pixel);
    const moved = (point: Types.Point3): Types.Point3 => [
      point[0] + wanted[0] - focalPoint[0],
      point[1] + wanted[1] - focalPoint[1],
      point[2] + wanted[2] - focalPoint[2],
    ];
    this.context.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
  }

  /** The pixel in the middle of the viewport. */
  private centre(plane: Plane): Point {
    const { clientWidth, clientHeight } = this.context.element;
    return toPixel(plane, this.context.viewport.canvasToWorld([clientWidth / 2, clientHeight / 2]));
  }

  private plane(): Plane | null {
    const { series, index } = this.context.state();
    return series && planeOf(series, index);
  }

  private onScreen(plane: Plane, pixel: Point): Types.Point2 {
    return this.context.viewport.worldToCanvas([...toWorld(plane, pixel)] as Types.Point3);
  }

  private zoom(plane: Plane): number {
    const [a, b] = [this.onScreen(plane, [0, 0]), this.onScreen(plane, [1, 0])];
    return Math.hypot(b[0] - a[0], b[1] - a[1]);
  }

  private fittingZoom(plane: Plane): number {
    const { series, index } = this.context.state();
    const { rows, columns } = { ...(series as SeriesDisplay), ...series?.frames[index] };
    const size = [columns * plane.columnSpacing, rows * plane.rowSpacing];
    const [wide, high] = (isSideways(this.turn) ? size.reverse() : size) as [number, number];
    const { clientWidth, clientHeight } = this.context.element;
    return Math.min(clientWidth / wide, clientHeight / high) * plane.columnSpacing;
  }

  private isFitted(plane: Plane, zoom: number): boolean {
    const { series, index } = this.context.state();
    const { rows, columns } = { ...(series as SeriesDisplay), ...series?.frames[index] };
    const [column, row] = this.centre(plane);
    const off = Math.hypot(column - (columns - 1) / 2, row - (rows - 1) / 2) * zoom;
    return off < NEAR_PX && Math.abs(zoom / this.fittingZoom(plane) - 1) < NEAR;
  }

  /** The camera is at another place, which the next picture shows: one change takes it through several. */
  moved(): void {
    this.hasMoved = true;
  }

  pictured(): void {
    if (this.hasMoved) this.read();
  }

  /** Tells what the camera shows now: measured on the screen, so that it holds however it came about. */
  read(): void {
    this.hasMoved = false;
    const plane = this.plane();
    if (!plane || this.context.state().phase === 'failed') return;
    const zoom = this.zoom(plane);
    if (!Number.isFinite(zoom) || zoom === 0) return;
    const scale = plane.calibrated
      ? scaleBar(plane.columnSpacing / zoom, this.context.element.clientWidth)
      : null;
    const letters = edgeLetters(this.asSeen(plane));
    this.context.set({ zoom, scale, letters, turn: this.turn, fitted: this.isFitted(plane, zoom) });
  }

  /** The plane with its axes along the edges of the screen. */
  private asSeen(plane: Plane): Plane {
    const origin = this.onScreen(plane, [0, 0]);
    const towards = (pixel: Point): Point => {
      const [x, y] = this.onScreen(plane, pixel);
      const length = Math.hypot(x - origin[0], y - origin[1]);
      return [(x - origin[0]) / length, (y - origin[1]) / length];
    };
    const [across, down] = [towards([1, 0]), towards([0, 1])];
    const along = (axis: 0 | 1): Vector => {
      const part = (i: 0 | 1 | 2) => plane.across[i] * across[axis] + plane.down[i] * down[axis];
      return [part(0), part(1), part(2)];
    };
    return { ...plane, across: along(0), down: along(1) };
  }
}
