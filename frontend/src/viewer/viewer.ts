/**
 * One pane: a stack of frames (of a series, or of planes through one) with window, zoom, pan and scroll,
 * the record's marks and labelmap over it, and the tools that change them. Holds no truth of its own
 * beyond how the image is looked at. What all panes share, the stage holds.
 */

import { Enums, imageLoader, type RenderingEngine, type Types } from '@cornerstonejs/core';
import { utilities as toolUtilities } from '@cornerstonejs/tools';
import type { Boot } from './boot';
import { Cine } from './cine';
import { FrameError, imageIdOf, imageIdsOf, isLoaded, loadedRuns, registerSeries } from './frames';
import { guideWith } from './guide-tool';
import { labelWith } from './label-tool';
import { isSameSource } from './links';
import { Look } from './look';
import type { MarkProjection } from './marks';
import { frameIndexOf } from './measure';
import { Outliner } from './outliner';
import { Painter } from './painter';
import { PointerAids } from './pointer-aids';
import { aheadOf, type Prefetch } from './prefetch';
import type { Shared, ViewerOptions } from './shared';
import { dropSketch } from './sketch-tool';
import { emptied, isDrawing, isPainting, type Painting, type Tool, type ViewerState } from './state';
import { Toolbox } from './tools';
import { gather } from './volumes';
import type { LabelClass, Mark, SeriesDisplay, Window } from './types';
import { viewportIn } from './viewport';
import { Watched } from './watched';
import { Wheel } from './wheel';

const { Events } = Enums;

export class Viewer extends Watched {
  readonly boot: Boot;
  readonly marks: MarkProjection;
  readonly painter: Painter;
  readonly look: Look;
  readonly cine: Cine;
  readonly aids: PointerAids;
  readonly outliner: Outliner;
  private readonly engine: RenderingEngine;
  readonly viewport: Types.IStackViewport;
  private readonly tools: Toolbox;
  private readonly cleanup: (() => void)[] = [];
  private ahead: Prefetch | null = null;
  private moving: Promise<void> | null = null;
  private generation = 0;
  private readonly wheel = new Wheel();
  /** The window to begin with, where it is not the series that says so. */
  private given: Window | null = null;

  constructor(
    readonly element: HTMLDivElement,
    private readonly options: ViewerOptions,
    private readonly shared: Shared,
  ) {
    super();
    this.boot = shared.boot;
    const { id, engine, viewport } = viewportIn(element);
    this.engine = engine;
    this.viewport = viewport;
    this.tools = new Toolbox(`tools-${id}`, viewport.id, engine.id);
    this.marks = shared.marks;
    this.marks.attach(this.viewport, element);
    const context = { ...options, viewport, state: () => this.now, activeClass: () => this.activeClass };
    this.painter = new Painter({
      ...context,
      possible: this.boot.renderer === 'webgl2',
      onRange: (threshold) => this.setPainting({ threshold }),
      strokes: shared.strokes,
    });
    this.outliner = new Outliner({ ...context, painter: this.painter });
    const seen = {
      viewport: this.viewport,
      engine: this.engine,
      element,
      state: () => this.now,
      set: (change: Partial<ViewerState>) => this.set(change),
    };
    this.look = new Look(seen);
    this.aids = new PointerAids({
      ...seen,
      painted: () => this.painter.shown(),
      setAids: (aids) => this.everywhere((pane) => pane.set({ aids })),
    });
    this.cine = new Cine({
      count: () => this.now.series?.frame_count ?? 0,
      index: () => this.now.index,
      show: (index) => this.goTo(index),
      failed: () => this.now.phase === 'failed',
      tell: (cine) => this.set({ cine }),
      nextTick: (run) => void requestAnimationFrame(run),
    });
    labelWith(this.viewport.id, () => [...this.marks.labels(this.viewport.id), ...this.painter.labels()]);
    guideWith(this.viewport.id, () => shared.guides(this));
    this.listen();
  }

  private listen(): void {
    const { element } = this;
    const on = (name: string, handler: (event: Event) => void, options?: AddEventListenerOptions) => {
      element.addEventListener(name, handler, options);
      this.cleanup.push(() => element.removeEventListener(name, handler, options));
    };
    on(Events.IMAGE_RENDERED, () => {
      this.painter.pictured();
      this.look.pictured();
      this.set({ rendered: this.now.rendered + 1 });
    });
    on(Events.VOI_MODIFIED, () => this.look.readWindow());
    on(Events.CAMERA_MODIFIED, () => this.look.moved());
    // Before a tool hears of the press: what is drawn belongs to the frame that the reader sees.
    on('mousedown', (event) => this.pressed(event as MouseEvent), { capture: true });
    on('wheel', (event) => this.turn(event as WheelEvent), { passive: false });
    on('contextmenu', (event) => event.preventDefault());
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(element);
    this.cleanup.push(() => resized.disconnect());
    this.cleanup.push(this.options.record.onChange((change) => this.painter.follow(change)));
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.element;
    // Until an image is up there is nothing to fit; opening a series fits it.
    if (this.now.phase !== 'ready' || clientWidth === 0 || clientHeight === 0) return;
    this.look.resize();
  }

  private pressed({ button }: MouseEvent): void {
    if (button === 0 && (isDrawing(this.now.tool) || this.marks.isOverMark)) this.cine.pause();
  }

  close(): void {
    this.generation += 1;
    this.ahead?.stop();
    this.cine.pause();
    this.aids.close();
    for (const undo of this.cleanup) undo();
    labelWith(this.viewport.id, null);
    guideWith(this.viewport.id, null);
    this.painter.close();
    this.outliner.close();
    this.marks.detach(this.viewport.id);
    this.tools.close();
    this.engine.destroy();
  }

  /** Nothing is shown until the next series is opened. */
  blank(): void {
    this.generation += 1;
    this.moving = null;
    this.ahead?.stop();
    this.cine.pause();
    this.look.leave();
    this.letGo();
    this.set(emptied(this.now));
  }

  /** Another case: nothing is looked at as it was in the one before. */
  forgetViews(): void {
    this.blank();
    this.look.forget();
    this.cine.forget();
  }

  /** Nothing is drawn or painted until the next series is up: it would land in the one before. */
  private letGo(): void {
    dropSketch(this.viewport.id);
    this.marks.leave(this.viewport.id);
    this.painter.leave();
  }

  /** Drops all but these series from memory; those that are shown, as soon as others are. */
  keep(seriesIds: readonly number[]): void {
    this.shared.keep(seriesIds);
  }

  // --- series and frames ---

  /**
   * Shows a series as it was left, or from that frame on; in that window if it was not seen here yet.
   * Resolves when the first picture is up or has failed.
   */
  async open(series: SeriesDisplay, index?: number | null, window: Window | null = null): Promise<void> {
    const generation = ++this.generation;
    this.moving = null;
    this.given = window;
    this.ahead?.stop();
    this.look.leave();
    this.letGo();
    if (series.section) registerSeries(series.section.source, this.options.renew);
    registerSeries(series, this.options.renew);
    const first = this.firstOf(series, index ?? null);
    this.set({ ...emptied(this.now), phase: 'loading', series, index: first, wanted: first });
    this.cine.open(series.id, series.frame_time_ms);
    try {
      await gather(series, (loaded) => generation === this.generation && this.set({ loaded }));
      const image = await imageLoader.loadAndCacheImage(imageIdOf(series.id, first));
      if (generation !== this.generation) return;
      await this.viewport.setStack(imageIdsOf(series.id), first);
      if (generation !== this.generation) return;
      this.look.open(series, first, image.getPixelData(), window);
    } catch (error) {
      if (generation === this.generation) this.fail(error);
      return;
    }
    this.marks.open(this.viewport.id, series);
    this.painter.open(series);
    this.makeReady();
    this.set({ phase: 'ready', failure: null, loaded: series.section ? series.frame_count : 1 });
    this.shared.release();
    this.look.readWindow();
    this.look.read();
    if (!series.section) this.loadAhead(series, first);
  }

  /** Planes begin in the middle of their volume: at its edge there is nothing to see. */
  private firstOf(series: SeriesDisplay, index: number | null): number {
    const usual = series.section ? Math.floor(series.frame_count / 2) : 0;
    const first = index ?? this.look.indexOf(series.id) ?? usual;
    return Math.min(Math.max(first, 0), series.frame_count - 1);
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
    if (!this.moving && wanted === this.now.index) return Promise.resolve();
    this.moving ??= this.move(this.generation);
    return this.moving;
  }

  // Never over before it has waited: a wish that comes while it ends finds it ended.
  private async move(generation: number): Promise<void> {
    await Promise.resolve();
    while (generation === this.generation && this.now.series && this.now.index !== this.now.wanted) {
      const target = this.now.wanted;
      try {
        await this.show(this.now.series.id, target);
      } catch (error) {
        if (generation !== this.generation || target !== this.now.wanted) continue;
        this.fail(error, target);
        break;
      }
    }
    if (generation === this.generation) this.moving = null;
  }

  private async show(seriesId: number, target: number): Promise<void> {
    const generation = this.generation;
    if (!isLoaded(seriesId, target)) {
      await imageLoader.loadAndCacheImage(imageIdOf(seriesId, target));
      if (generation !== this.generation || target !== this.now.wanted) return;
    }
    await this.viewport.setImageIdIndex(target);
    if (generation !== this.generation) return;
    this.look.moved();
    this.set({ index: target, phase: 'ready', failure: null });
  }

  private fail(error: unknown, index = this.now.index): void {
    const message = error instanceof Error ? error.message : String(error);
    const retryable = error instanceof FrameError ? error.retryable : true;
    this.set({ phase: 'failed', failure: { message, retryable }, index });
  }

  /** Tries again what could not be shown. */
  retry(): Promise<void> {
    const { series, index } = this.now;
    return series ? this.open(series, index, this.given) : Promise.resolve();
  }

  /** As the reader asks for it: what plays stops. */
  step(by: number): Promise<void> {
    this.cine.pause();
    return this.goTo(this.now.wanted + by);
  }

  private turn(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey) return this.look.zoomBy(this.wheel.zoom(event));
    const by = this.wheel.step(event);
    if (by !== 0) void this.step(by);
  }

  /** Which frames are in memory, as runs from the first to the last of each. */
  loadedRuns(): [from: number, to: number][] {
    const { series, phase } = this.now;
    return series && (phase === 'ready' || !series.section) ? loadedRuns(series) : [];
  }

  /** Where a mark lies in the open series; -1 if elsewhere. */
  frameOf(mark: Mark): number {
    return this.now.series ? frameIndexOf(this.now.series, mark) : -1;
  }

  // --- tools: the same in every pane ---

  get activeClass(): LabelClass | null {
    return this.shared.activeClass();
  }

  setClass(code: string): void {
    this.shared.setClass(code);
  }

  setTool(tool: Tool): void {
    this.cancel();
    this.select('');
    this.everywhere((pane) => pane.arm(tool));
  }

  private arm(tool: Tool): void {
    this.tools.select(tool);
    this.set({ tool });
    this.makeReady();
  }

  private makeReady(): void {
    if (isPainting(this.now.tool)) this.painter.prepare();
    if (this.now.tool !== 'threshold') return;
    const held = this.alike().find(({ now }) => now.threshold)?.now.threshold;
    this.set({ threshold: held ?? this.painter.suggestRange() });
  }

  /** Drops what is half drawn; false if nothing is. */
  cancel(): boolean {
    const dropped = this.shared.panes().map(({ viewport }) => dropSketch(viewport.id));
    return dropped.some(Boolean) || this.marks.cancel();
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

  /** How brush, scissors and, on the series that is open, the threshold work from here on. */
  setPainting(change: Partial<Painting>): void {
    const alike = this.alike();
    this.everywhere((pane) =>
      pane.set(alike.includes(pane) ? change : { ...change, threshold: pane.now.threshold }),
    );
  }

  setMarksHidden(marksHidden: boolean): void {
    this.marks.setHidden(marksHidden);
    this.everywhere((pane) => {
      pane.painter.setVisible(!marksHidden);
      pane.set({ marksHidden });
    });
  }

  /** The panes with the same series, or planes through it. */
  private alike(): Viewer[] {
    return this.shared.panes().filter(({ now }) => isSameSource(now.series, this.now.series));
  }

  private everywhere(act: (pane: Viewer) => void): void {
    for (const pane of this.shared.panes()) act(pane);
  }

  /** A new pane begins with the tool, the brush and the marks as they are in the others. */
  takeAfter({ now }: Viewer): void {
    const { tool, brush, scissors, marksHidden, aids, selected, drawn } = now;
    this.set({ brush, scissors, marksHidden, aids, selected, drawn });
    if (marksHidden) this.painter.setVisible(false);
    this.arm(tool);
  }

  /** Draws anew what lies over the image. */
  redraw(): void {
    toolUtilities.triggerAnnotationRenderForViewportIds([this.viewport.id]);
  }

  /** The pixels of the frame shown, in real units, as they are drawn. */
  pixels(): ArrayLike<number> {
    return this.viewport.getCornerstoneImage().getPixelData();
  }
}
