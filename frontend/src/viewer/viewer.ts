/**
 * One pane: a stack of frames (of a series, or of planes through one) with window, zoom, pan and scroll,
 * the record's marks and labelmap over it, and the tools that change them. Holds no truth of its own
 * beyond how the image is looked at. What all panes share, the stage holds.
 */

import {
  Enums,
  imageLoader,
  RenderingEngine,
  type Types,
  utilities as coreUtilities,
} from '@cornerstonejs/core';
import { utilities as toolUtilities } from '@cornerstonejs/tools';
import type { Boot } from './boot';
import { FrameError, imageIdOf, imageIdsOf, isLoaded, registerSeries } from './frames';
import { guideWith } from './guide-tool';
import { labelWith } from './label-tool';
import { cameraOf, firstWindow, windowOf } from './look';
import type { MarkProjection } from './marks';
import { frameIndexOf } from './measure';
import { Painter } from './painter';
import { aheadOf, type Prefetch } from './prefetch';
import type { Change } from './record';
import type { Shared, ViewerOptions } from './shared';
import { EMPTY, emptied, isPainting, type Tool, type ViewerState } from './state';
import { Toolbox } from './tools';
import { loadVolume } from './volumes';
import type { LabelClass, Mark, SeriesDisplay, Window } from './types';
import { Wheel } from './wheel';
import { toRange } from './windows';

const { Events, ViewportType } = Enums;
const FITTED = 0.01;

export class Viewer {
  readonly boot: Boot;
  readonly marks: MarkProjection;
  readonly painter: Painter;
  private now: ViewerState = EMPTY;
  private readonly listeners = new Set<(state: ViewerState) => void>();
  private readonly engine: RenderingEngine;
  readonly viewport: Types.IStackViewport;
  private readonly tools: Toolbox;
  private readonly cleanup: (() => void)[] = [];
  private ahead: Prefetch | null = null;
  private moving: Promise<void> | null = null;
  private generation = 0;
  private readonly wheel = new Wheel();
  private initialWindow: Window | null = null;

  constructor(
    readonly element: HTMLDivElement,
    private readonly options: ViewerOptions,
    private readonly shared: Shared,
  ) {
    this.boot = shared.boot;
    const id = coreUtilities.uuidv4();
    // Each pane draws in a context of its own: in a shared one, the library trips over a picture that was
    // replaced before it was drawn.
    this.engine = new RenderingEngine(`engine-${id}`);
    this.engine.enableElement({
      viewportId: `viewport-${id}`,
      type: ViewportType.STACK,
      element,
      defaultOptions: { background: [0, 0, 0] },
    });
    // A focused viewport would swallow every key; keys belong to the page.
    element.removeAttribute('tabindex');
    this.viewport = this.engine.getViewport(`viewport-${id}`) as Types.IStackViewport;
    this.tools = new Toolbox(`tools-${id}`, this.viewport.id, this.engine.id);
    this.marks = shared.marks;
    this.marks.attach(this.viewport, element);
    this.painter = new Painter({
      viewport: this.viewport,
      record: options.record,
      classes: options.classes,
      titles: options.titles,
      state: () => this.now,
      activeClass: () => this.activeClass,
      possible: this.boot.renderer === 'webgl2',
      mine: options.mine,
    });
    labelWith(this.viewport.id, () => [...this.marks.labels(this.viewport.id), ...this.painter.labels()]);
    guideWith(this.viewport.id, () => shared.guides(this));
    this.listen();
  }

  // --- watching ---

  get state(): ViewerState {
    return this.now;
  }

  watch(listener: (state: ViewerState) => void): () => void {
    this.listeners.add(listener);
    listener(this.now);
    return () => this.listeners.delete(listener);
  }

  private set(change: Partial<ViewerState>): void {
    this.now = { ...this.now, ...change };
    for (const listener of this.listeners) listener(this.now);
  }

  private listen(): void {
    const { element } = this;
    const on = (name: string, handler: (event: Event) => void, options?: AddEventListenerOptions) => {
      element.addEventListener(name, handler, options);
      this.cleanup.push(() => element.removeEventListener(name, handler));
    };
    on(Events.IMAGE_RENDERED, () => {
      this.painter.pictured();
      this.set({ rendered: this.now.rendered + 1 });
    });
    on(Events.VOI_MODIFIED, () => this.readWindow());
    on(Events.CAMERA_MODIFIED, () => this.readCamera());
    on('wheel', (event) => this.turn(event as WheelEvent), { passive: false });
    on('contextmenu', (event) => event.preventDefault());
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(element);
    this.cleanup.push(() => resized.disconnect());
    this.cleanup.push(this.options.record.onChange((change) => this.follow(change)));
  }

  private follow(change: Change): void {
    if (change.kind === 'voxels' || change.kind === 'everything') this.painter.follow(change);
  }

  private resize(): void {
    // Until an image is up there is nothing to fit; opening a series fits it.
    if (this.now.phase !== 'ready' || this.element.clientWidth === 0 || this.element.clientHeight === 0)
      return;
    // What filled its pane goes on filling it, in whatever layout.
    const fitted = Math.abs(this.viewport.getZoom() - 1) < FITTED;
    this.engine.resize(true, true);
    if (fitted) this.fit();
    else this.readCamera();
  }

  close(): void {
    this.generation += 1;
    this.ahead?.stop();
    for (const undo of this.cleanup) undo();
    labelWith(this.viewport.id, null);
    guideWith(this.viewport.id, null);
    this.painter.close();
    this.marks.detach(this.viewport.id);
    this.tools.close();
    this.engine.destroy();
  }

  /** Nothing is shown until the next series is opened. */
  blank(): void {
    this.generation += 1;
    this.ahead?.stop();
    this.letGo();
    this.set(emptied(this.now));
  }

  /** Nothing is drawn or painted until the next series is up: it would land in the one before. */
  private letGo(): void {
    this.marks.leave(this.viewport.id);
    this.painter.leave();
  }

  /** Drops all but these series from memory; those that are shown, as soon as others are. */
  keep(seriesIds: readonly number[]): void {
    this.shared.keep(seriesIds);
  }

  // --- series and frames ---

  /** Shows a series from one of its frames on; resolves when the first picture is up or has failed. */
  async open(series: SeriesDisplay, index = 0): Promise<void> {
    const generation = ++this.generation;
    this.ahead?.stop();
    this.letGo();
    if (series.section) registerSeries(series.section.source, this.options.renew);
    registerSeries(series, this.options.renew);
    const first = Math.min(Math.max(index, 0), series.frame_count - 1);
    this.set({ ...emptied(this.now), phase: 'loading', series, index: first, wanted: first });
    try {
      await this.gather(series, generation);
      const image = await imageLoader.loadAndCacheImage(imageIdOf(series.id, first));
      if (generation !== this.generation) return;
      await this.viewport.setStack(imageIdsOf(series.id), first);
      if (generation !== this.generation) return;
      this.initialWindow = firstWindow(series, first, image.getPixelData());
      if (this.initialWindow) this.viewport.setProperties({ voiRange: toRange(this.initialWindow) });
      this.engine.resize(true, false);
      this.viewport.resetCamera();
      this.viewport.render();
    } catch (error) {
      if (generation === this.generation) this.fail(error);
      return;
    }
    this.marks.open(this.viewport.id, series);
    this.painter.open(series);
    if (isPainting(this.now.tool)) this.painter.prepare();
    this.set({ phase: 'ready', failure: null, loaded: series.section ? series.frame_count : 1 });
    this.shared.release();
    this.readWindow();
    this.readCamera();
    if (!series.section) this.loadAhead(series, first);
  }

  /** A plane cuts all frames of its series: all must be there. */
  private async gather(series: SeriesDisplay, generation: number): Promise<void> {
    if (!series.section) return;
    const { source } = series.section;
    const share = series.frame_count / source.frame_count;
    await loadVolume(source, (loaded) => {
      if (generation === this.generation) this.set({ loaded: Math.floor(loaded * share) });
    });
  }

  private loadAhead(series: SeriesDisplay, from: number): void {
    this.ahead = aheadOf(series, {
      panes: this.shared.panes().length,
      load: (index) => imageLoader.loadAndCacheImage(imageIdOf(series.id, index)),
      onLoaded: (loaded) => this.set({ loaded }),
    });
    this.ahead.moveTo(from);
  }

  /** Goes to a frame; while frames load, only the newest wish counts. */
  goTo(index: number): Promise<void> {
    const { series } = this.now;
    if (!series) return Promise.resolve();
    const wanted = Math.min(Math.max(index, 0), series.frame_count - 1);
    this.ahead?.moveTo(wanted);
    this.set({ wanted });
    this.moving ??= this.move(this.generation).finally(() => {
      this.moving = null;
    });
    return this.moving;
  }

  private async move(generation: number): Promise<void> {
    while (generation === this.generation && this.now.series && this.now.index !== this.now.wanted) {
      const target = this.now.wanted;
      try {
        await this.show(this.now.series.id, target);
      } catch (error) {
        if (generation === this.generation && target === this.now.wanted) return this.fail(error, target);
      }
    }
  }

  private async show(seriesId: number, target: number): Promise<void> {
    const generation = this.generation;
    if (!isLoaded(seriesId, target)) {
      await imageLoader.loadAndCacheImage(imageIdOf(seriesId, target));
      if (generation !== this.generation || target !== this.now.wanted) return;
    }
    await this.viewport.setImageIdIndex(target);
    if (generation !== this.generation) return;
    this.set({ index: target, phase: 'ready', failure: null });
    this.readCamera();
  }

  private fail(error: unknown, index = this.now.index): void {
    const message = error instanceof Error ? error.message : String(error);
    const retryable = error instanceof FrameError ? error.retryable : true;
    this.set({ phase: 'failed', failure: { message, retryable }, index });
  }

  /** Tries again what could not be shown. */
  retry(): Promise<void> {
    const { series, index } = this.now;
    return series ? this.open(series, index) : Promise.resolve();
  }

  step(by: number): Promise<void> {
    return this.goTo(this.now.wanted + by);
  }

  private turn(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey) return this.zoomBy(this.wheel.zoom(event));
    void this.step(this.wheel.step(event));
  }

  /** Where a mark lies in the open series; -1 if elsewhere. */
  frameOf(mark: Mark): number {
    return this.now.series ? frameIndexOf(this.now.series, mark) : -1;
  }

  // --- how the image is looked at ---

  setWindow(window: Window): void {
    this.viewport.setProperties({ voiRange: toRange(window) });
    this.viewport.render();
    this.readWindow();
  }

  invert(): void {
    this.viewport.setProperties({ invert: !this.viewport.getProperties().invert });
    this.viewport.render();
    this.set({ inverted: !this.now.inverted });
  }

  /** Fits the image to the viewport; the window stays. */
  fit(): void {
    this.viewport.resetCamera();
    this.viewport.render();
    this.readCamera();
  }

  /** Window, zoom, pan and inversion as they were when the series was opened. */
  reset(): void {
    if (this.now.inverted) this.invert();
    if (this.initialWindow) this.setWindow(this.initialWindow);
    this.fit();
  }

  zoomBy(factor: number): void {
    this.viewport.setZoom(this.viewport.getZoom() * factor);
    this.viewport.render();
    this.readCamera();
  }

  private readWindow(): void {
    this.set({ window: windowOf(this.viewport, this.now.series) });
  }

  private readCamera(): void {
    const { series, index, phase } = this.now;
    const camera = series && phase !== 'failed' ? cameraOf(this.viewport, series, index) : null;
    if (camera) this.set(camera);
  }

  // --- tools: the same in every pane ---

  get activeClass(): LabelClass | null {
    return this.shared.activeClass();
  }

  setClass(code: string): void {
    this.shared.setClass(code);
  }

  setTool(tool: Tool): void {
    this.marks.cancel();
    this.select('');
    this.everywhere((pane) => pane.arm(tool));
  }

  private arm(tool: Tool): void {
    this.tools.select(tool);
    this.set({ tool });
    if (isPainting(tool)) this.painter.prepare();
  }

  /** Selects a mark, or none (''). */
  select(uid: string): void {
    this.marks.select(uid);
    this.selected(uid, '');
  }

  /** A mark was selected, or drawn just now. */
  selected(selected: string, drawn: string): void {
    this.everywhere((pane) => pane.set({ selected, drawn }));
  }

  setBrush(brush: Partial<ViewerState['brush']>): void {
    this.everywhere((pane) => pane.set({ brush: { ...pane.now.brush, ...brush } }));
  }

  setMarksHidden(marksHidden: boolean): void {
    this.marks.setHidden(marksHidden);
    this.everywhere((pane) => {
      pane.painter.setVisible(!marksHidden);
      pane.set({ marksHidden });
    });
  }

  private everywhere(act: (pane: Viewer) => void): void {
    for (const pane of this.shared.panes()) act(pane);
  }

  /** A new pane begins with the tool, the brush and the marks as they are in the others. */
  takeAfter({ now }: Viewer): void {
    const { tool, brush, marksHidden, selected, drawn } = now;
    this.set({ brush, marksHidden, selected, drawn });
    if (marksHidden) this.painter.setVisible(false);
    this.arm(tool);
  }

  /** Lines of other panes have moved. */
  drawGuides(): void {
    toolUtilities.triggerAnnotationRenderForViewportIds([this.viewport.id]);
  }

  /** The pixels of the frame shown, in real units, as they are drawn. */
  pixels(): ArrayLike<number> {
    return this.viewport.getCornerstoneImage().getPixelData();
  }
}
