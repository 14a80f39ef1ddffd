/**
 * One viewport: a stack of frames with window, zoom, pan and scroll, the record's marks and labelmap over
 * it, and the tools that change them. Holds no truth of its own beyond how the image is looked at.
 */

import {
  Enums,
  imageLoader,
  RenderingEngine,
  type Types,
  utilities as coreUtilities,
} from '@cornerstonejs/core';
import { boot, type Boot } from './boot';
import { Cine } from './cine';
import {
  FrameError,
  forgetAll,
  forgetAllBut,
  imageIdOf,
  imageIdsOf,
  isLoaded,
  registerSeries,
  type Renew,
} from './frames';
import { labelWith } from './label-tool';
import { Look } from './look';
import { MarkProjection, type Titles } from './marks';
import { Outliner } from './outliner';
import { Painter, type PaintTitles, type Refusal } from './painter';
import { PointerAids } from './pointer-aids';
import { framesThatFit, type Prefetch, prefetch } from './prefetch';
import type { CaseRecord, Change } from './record';
import { dropSketch } from './sketch-tool';
import { EMPTY, isDrawing, isPainting, keptFrom, type Tool, type ViewerState } from './state';
import { Toolbox } from './tools';
import type { LabelClass, Mark, SeriesDisplay } from './types';
import { Wheel } from './wheel';

const { Events, ViewportType } = Enums;
const PREFETCH_AT_ONCE = 4;

export interface ViewerOptions {
  record: CaseRecord;
  classes: () => readonly LabelClass[];
  titles: Titles & PaintTitles;
  /** Tells the reader why nothing was painted. */
  refuse: (why: Refusal) => void;
  /** Asks the server for a fresh description of a series, with a fresh address of its frames. */
  renew: Renew;
}

export class Viewer {
  readonly boot: Boot;
  readonly marks: MarkProjection;
  readonly painter: Painter;
  readonly look: Look;
  readonly cine: Cine;
  readonly aids: PointerAids;
  readonly outliner: Outliner;
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
  private classCode = '';
  private kept: readonly number[] = [];

  constructor(
    readonly element: HTMLDivElement,
    private readonly options: ViewerOptions,
  ) {
    this.boot = boot();
    const id = coreUtilities.uuidv4();
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
    const context = {
      ...options,
      viewport: this.viewport,
      state: () => this.now,
      activeClass: () => this.activeClass,
    };
    this.marks = new MarkProjection({
      ...context,
      element,
      onSelect: (selected, drawn) => this.set({ selected, drawn: drawn ? selected : '' }),
    });
    this.painter = new Painter({
      ...context,
      possible: this.boot.renderer === 'webgl2',
      onRange: (threshold) => this.set({ threshold }),
      onRefuse: options.refuse,
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
    this.aids = new PointerAids({ ...seen, painted: () => this.painter.shown() });
    this.cine = new Cine({
      count: () => this.now.series?.frame_count ?? 0,
      index: () => this.now.index,
      show: (index) => this.goTo(index),
      failed: () => this.now.phase === 'failed',
      tell: (cine) => this.set({ cine }),
      nextTick: (run) => void requestAnimationFrame(run),
    });
    labelWith(() => [...this.marks.labels(), ...this.painter.labels()]);
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
      this.cleanup.push(() => element.removeEventListener(name, handler, options));
    };
    on(Events.IMAGE_RENDERED, () => this.set({ rendered: this.now.rendered + 1 }));
    on(Events.VOI_MODIFIED, () => this.look.readWindow());
    on(Events.CAMERA_MODIFIED, () => this.look.read());
    // Before a tool hears of the press: what is drawn belongs to the frame that the reader sees.
    on('mousedown', (event) => this.pressed(event as MouseEvent), { capture: true });
    on('wheel', (event) => this.turn(event as WheelEvent), { passive: false });
    on('contextmenu', (event) => event.preventDefault());
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(element);
    this.cleanup.push(() => resized.disconnect());
    this.cleanup.push(this.options.record.onChange((change) => this.follow(change)));
  }

  private follow(change: Change): void {
    this.marks.follow(change);
    this.painter.follow(change);
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
    labelWith(() => []);
    this.marks.close();
    this.painter.close();
    this.outliner.close();
    this.tools.close();
    this.engine.destroy();
    forgetAll();
  }

  /** Nothing is shown until the next series is opened. */
  blank(): void {
    this.generation += 1;
    this.ahead?.stop();
    this.letGo();
    this.set({ ...EMPTY, ...keptFrom(this.now) });
  }

  /** Another case: nothing is looked at as it was in the one before. */
  forgetViews(): void {
    this.blank();
    this.look.forget();
    this.cine.forget();
  }

  /** What is drawn or painted before the next series is up would land in the one before. */
  private letGo(): void {
    dropSketch(this.viewport.id);
    this.marks.leave();
    this.painter.leave();
  }

  /** Drops all but these series from memory; the one that is shown, as soon as another one is. */
  keep(seriesIds: readonly number[]): void {
    this.kept = seriesIds;
    forgetAllBut([...seriesIds, this.now.series?.id]);
  }

  // --- series and frames ---

  /** Shows a series as it was left, or from that frame on; resolves when the first picture is up or has failed. */
  async open(series: SeriesDisplay, index?: number): Promise<void> {
    const generation = ++this.generation;
    this.moving = null;
    this.ahead?.stop();
    this.look.leave();
    this.letGo();
    registerSeries(series, this.options.renew);
    const first = Math.min(Math.max(index ?? this.look.indexOf(series.id), 0), series.frame_count - 1);
    this.set({ ...EMPTY, ...keptFrom(this.now), phase: 'loading', series, index: first, wanted: first });
    this.cine.open(series.id, series.frame_time_ms);
    try {
      const image = await imageLoader.loadAndCacheImage(imageIdOf(series.id, first));
      if (generation !== this.generation) return;
      await this.viewport.setStack(imageIdsOf(series.id), first);
      if (generation !== this.generation) return;
      this.look.open(series, first, image.getPixelData());
    } catch (error) {
      if (generation === this.generation) this.fail(error);
      return;
    }
    this.marks.open(series);
    this.painter.open(series);
    if (isPainting(this.now.tool)) this.painter.prepare();
    this.set({ phase: 'ready', failure: null, loaded: 1 });
    this.keep(this.kept);
    this.look.readWindow();
    this.look.read();
    this.loadAhead(series, first);
  }

  private loadAhead(series: SeriesDisplay, from: number): void {
    this.ahead = prefetch({
      count: framesThatFit(series),
      concurrency: PREFETCH_AT_ONCE,
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
    this.set({ index: target, phase: 'ready', failure: null });
    this.look.read();
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
    const { series } = this.now;
    const runs: [number, number][] = [];
    for (let index = 0; series && index < series.frame_count; index++) {
      if (!isLoaded(series.id, index)) continue;
      const last = runs.at(-1);
      if (last?.[1] === index - 1) last[1] = index;
      else runs.push([index, index]);
    }
    return runs;
  }

  /** Where a mark lies in the open series; -1 if elsewhere. */
  frameOf(mark: Mark): number {
    return this.marks.indexOf(mark);
  }

  // --- tools ---

  get activeClass(): LabelClass | null {
    const classes = this.options.classes();
    return classes.find(({ code }) => code === this.classCode) ?? classes[0] ?? null;
  }

  setClass(code: string): void {
    this.classCode = code;
  }

  setTool(tool: Tool): void {
    this.cancel();
    this.select('');
    this.tools.select(tool);
    this.set({ tool });
    if (isPainting(tool)) this.painter.prepare();
    if (tool === 'threshold' && !this.now.threshold) this.set({ threshold: this.painter.suggestRange() });
  }

  /** Drops what is half drawn; false if nothing is. */
  cancel(): boolean {
    return dropSketch(this.viewport.id) || this.marks.cancel();
  }

  /** Selects a mark, or none (''). */
  select(uid: string): void {
    this.marks.select(uid);
    this.set({ selected: uid, drawn: '' });
  }

  /** How brush, threshold and scissors work from here on. */
  setPainting(change: Partial<Pick<ViewerState, 'brush' | 'threshold' | 'scissors'>>): void {
    this.set(change);
  }

  setMarksHidden(marksHidden: boolean): void {
    this.marks.setHidden(marksHidden);
    this.painter.setVisible(!marksHidden);
    this.set({ marksHidden });
  }

  /** Draws anew what lies over the image. */
  redraw(): void {
    this.marks.render();
  }

  /** The pixels of the frame shown, in real units, as they are drawn. */
  pixels(): ArrayLike<number> {
    return this.viewport.getCornerstoneImage().getPixelData();
  }
}
