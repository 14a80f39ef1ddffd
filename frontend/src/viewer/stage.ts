/**
 * All panes of a case together: one set of marks, one class and tool in the hand, the
 * pane that is active, what the panes do together, and the crosshairs.
 */

import { Enums, type Types } from '@cornerstonejs/core';
import { boot, type Boot } from './boot';
import { forgetAll, forgetAllBut } from './frames';
import { pointWith } from './guide-tool';
import { crossing, cut, type Guide } from './guides';
import { centreOf, counterpart, inSameSpace, type Links, sourceOf, UNLINKED } from './links';
import { MarkProjection } from './marks';
import { type Plane, planeOf, toWorld } from './plane';
import { along, dot, minus, nearestFrame } from './section';
import { StrokeEcho } from './stroke-echo';
import type { LabelClass, PlaneName, Point, SeriesDisplay, Vector } from './types';
import type { ViewerOptions } from './shared';
import { Viewer } from './viewer';
import { forgetVolumesBut } from './volumes';

export interface StageOptions extends ViewerOptions {
  /** The letter of a plane beside its line. */
  letterOf: (plane: PlaneName) => string;
}

const REFERENCE = { colour: '#57c7e3', dash: '6,4' };
/** Told apart by dash and letter, not by colour alone. */
const CROSSHAIRS: Record<PlaneName, { colour: string; dash: string }> = {
  axial: { colour: '#f28b82', dash: '' },
  sagittal: { colour: '#e7bb6a', dash: '8,3' },
  coronal: { colour: '#7fcf9f', dash: '2,3' },
};

export class Stage {
  readonly boot: Boot;
  readonly marks: MarkProjection;
  private readonly viewers: Viewer[] = [];
  private readonly parked: Viewer[] = [];
  private readonly stopFollowing: () => void;
  private readonly stops = new Map<Viewer, () => void>();
  private active: Viewer | null = null;
  private links: Links = UNLINKED;
  private crosshairs = false;
  /** Where the crosshairs are, in patient space, and in which series that means anything. */
  private cursor: { point: Vector; within: SeriesDisplay } | null = null;
  private kept: readonly number[] = [];
  private classCode = '';
  /** Frames between panes that were linked by number, from when they were linked. */
  private readonly offsets = new Map<Viewer, number>();
  private readonly strokes = new StrokeEcho((painting) =>
    this.viewers.map(({ painter }) => painter).filter((painter) => painter !== painting),
  );
  private followed: { index: number; series: number } | null = null;

  constructor(private readonly options: StageOptions) {
    this.boot = boot();
    this.marks = new MarkProjection({
      record: options.record,
      classes: options.classes,
      titles: options.titles,
      activeClass: () => this.activeClass,
      onSelect: (uid, drawn) => this.active?.selected(uid, drawn ? uid : ''),
      nextLandmark: options.nextLandmark,
      refuse: options.refuse,
      mine: options.mine,
    });
    this.stopFollowing = options.record.onChange((change) => this.marks.follow(change));
    pointWith((viewportId, point) => {
      const pane = this.viewers.find(({ viewport }) => viewport.id === viewportId);
      if (pane) this.point(pane, point);
    });
  }

  // --- panes ---

  get panes(): readonly Viewer[] {
    return this.viewers;
  }

  /** A pane within that element: one that was put away, if there is one, for a drawing context is dear. */
  add(host: HTMLElement): Viewer {
    const pane = this.parked.pop() ?? this.make(host);
    host.append(pane.element);
    const [first] = this.viewers;
    this.viewers.push(pane);
    if (first) pane.takeAfter(first);
    this.active ??= pane;
    this.stops.set(pane, this.listen(pane));
    return pane;
  }

  private make(host: HTMLElement): Viewer {
    const element = document.createElement('div');
    element.className = 'picture';
    // The library measures it at once.
    host.append(element);
    return new Viewer(element, this.options, {
      boot: this.boot,
      marks: this.marks,
      panes: () => this.viewers,
      strokes: this.strokes,
      activeClass: () => this.activeClass,
      setClass: (code) => this.setClass(code),
      guides: (one) => this.guides(one),
      keep: (ids) => this.keep(ids),
      release: () => this.release(),
    });
  }

  remove(pane: Viewer): void {
    this.stops.get(pane)?.();
    this.stops.delete(pane);
    this.viewers.splice(this.viewers.indexOf(pane), 1);
    pane.forgetViews();
    pane.element.remove();
    this.parked.push(pane);
    if (this.active === pane) this.active = this.viewers[0] ?? null;
    this.release();
  }

  close(): void {
    this.stopFollowing();
    pointWith(() => undefined);
    for (const pane of [...this.viewers]) this.remove(pane);
    for (const pane of this.parked) pane.close();
    this.marks.close();
    forgetAll();
    forgetVolumesBut([]);
  }

  /** Another case: nothing is looked at as it was in the one before. */
  forgetViews(): void {
    for (const pane of this.viewers) pane.forgetViews();
    this.followed = this.cursor = null;
  }

  activate(pane: Viewer): void {
    if (this.active === pane) return;
    this.active = pane;
    this.followed = null;
    this.rememberOffsets();
    this.drawGuides();
  }

  private listen(pane: Viewer): () => void {
    let ready = false;
    const unwatch = pane.watch(({ phase }) => {
      // From here on they are side by side.
      if (phase === 'ready' && !ready) this.rememberOffsets();
      ready = phase === 'ready';
      if (pane === this.active) this.follow(pane);
    });
    const moved = () => pane === this.active && this.linkView(pane);
    const windowed = () => pane === this.active && this.linkWindow(pane);
    const { CAMERA_MODIFIED, VOI_MODIFIED } = Enums.Events;
    pane.element.addEventListener(CAMERA_MODIFIED, moved);
    pane.element.addEventListener(VOI_MODIFIED, windowed);
    return () => {
      unwatch();
      pane.element.removeEventListener(CAMERA_MODIFIED, moved);
      pane.element.removeEventListener(VOI_MODIFIED, windowed);
    };
  }

  private keep(seriesIds: readonly number[]): void {
    this.kept = seriesIds;
    this.release();
  }

  private release(): void {
    const shown = this.viewers.flatMap(({ state: { series } }) => (series ? [series, sourceOf(series)] : []));
    forgetAllBut([...this.kept, ...shown.map(({ id }) => id)]);
    forgetVolumesBut(
      this.viewers.flatMap(({ state: { series } }) => (series?.section ? [series.section.source] : [])),
    );
  }

  // --- the class in the hand ---

  private get activeClass(): LabelClass | null {
    const classes = this.options.classes();
    return classes.find(({ code }) => code === this.classCode) ?? classes[0] ?? null;
  }

  private setClass(code: string): void {
    this.classCode = code;
  }

  // --- together ---

  setLinks(links: Links): void {
    this.links = links;
    this.rememberOffsets();
    if (this.active && links.window) this.linkWindow(this.active);
    if (this.active && links.view) this.linkView(this.active);
    if (this.active) this.scrollOthers(this.active);
  }

  private rememberOffsets(): void {
    this.offsets.clear();
    const from = this.active?.state.wanted ?? 0;
    for (const pane of this.viewers) this.offsets.set(pane, pane.state.wanted - from);
  }

  /** The active pane shows another frame or another series: the others follow as they are linked. */
  private follow(pane: Viewer): void {
    const { series, index, phase } = pane.state;
    if (phase !== 'ready' || !series) return;
    if (this.followed?.index === index && this.followed.series === series.id) return;
    this.followed = { index, series: series.id };
    this.moveCursor(series, index);
    this.scrollOthers(pane);
    this.drawGuides();
  }

  private scrollOthers(pane: Viewer): void {
    const { series, index } = pane.state;
    if (!this.links.scroll || !series) return;
    for (const other of this.viewers) {
      const to = other.state.series;
      if (other === pane || !to) continue;
      const found = counterpart(series, index, to, this.offsets.get(other) ?? 0);
      if (found !== null && found !== other.state.wanted) void other.goTo(found);
    }
  }

  private linkWindow(pane: Viewer): void {
    const { window, series, inverted } = pane.state;
    if (!this.links.window || !window || !series) return;
    for (const other of this.viewers) {
      const { state } = other;
      if (other === pane || state.phase !== 'ready' || state.series?.modality !== series.modality) continue;
      if (state.window?.center !== window.center || state.window.width !== window.width)
        other.look.setWindow(window);
      if (state.inverted !== inverted) other.look.invert();
    }
  }

  private linkView(pane: Viewer): void {
    if (!this.links.view || pane.state.phase !== 'ready') return;
    const [zoom, pan] = [pane.viewport.getZoom(), pane.viewport.getPan()];
    for (const { viewport, state, look } of this.viewers) {
      if (viewport === pane.viewport || state.phase !== 'ready') continue;
      viewport.setZoom(zoom);
      viewport.setPan([...pan] as Types.Point2);
      viewport.render();
      look.read();
    }
  }

  // --- crosshairs ---

  setCrosshairs(on: boolean): void {
    this.crosshairs = on;
    const series = this.active?.state.series;
    if (on && series && (!this.cursor || !inSameSpace(this.cursor.within, series)))
      this.cursor = { point: centreOf(series, this.active?.state.index ?? 0), within: series };
    this.drawGuides();
  }

  get crosshairsAt(): Vector | null {
    return this.crosshairs ? (this.cursor?.point ?? null) : null;
  }

  /** To where a pixel of a frame lies in the planes that the pane shows of its series. */
  goTo(pane: Viewer, frame: number, pixel: Point): void {
    const { series } = pane.state;
    if (!series) return;
    void pane.goTo(nearestFrame(series, toWorld(planeOf(sourceOf(series), frame), pixel)).index);
  }

  /** Puts the crosshairs on a point; every other pane of that space goes to it. */
  point(pane: Viewer, point: Vector): void {
    const { series } = pane.state;
    if (!series || !inSameSpace(series, series)) return;
    this.cursor = { point, within: series };
    for (const other of this.viewers) {
      const to = other.state.series;
      if (other === pane || !to || !inSameSpace(series, to)) continue;
      const { index, mm } = nearestFrame(to, point);
      if (mm <= Math.max(to.slice_spacing ?? 1, 1)) void other.goTo(index).then(() => this.drawGuides());
    }
    this.drawGuides();
  }

  // Scrolling a plane takes the crosshairs along.
  private moveCursor(series: SeriesDisplay, index: number): void {
    const { cursor } = this;
    if (!cursor || !series.section || !inSameSpace(cursor.within, series)) return;
    const { through } = series.section.grid;
    const deep = dot(minus(planeOf(series, index).position, cursor.point), through);
    this.cursor = { point: along(cursor.point, through, deep), within: series };
  }

  // --- lines ---

  private drawGuides(): void {
    for (const pane of this.viewers) pane.redraw();
  }

  private guides(pane: Viewer): Guide[] {
    const { series, index, phase } = pane.state;
    if (phase !== 'ready' || !series || !inSameSpace(series, series)) return [];
    const plane = planeOf(series, index);
    return [...this.cutMarks(pane, plane), ...this.linesIn(pane, series, plane)];
  }

  /** The active pane's plane; and with the crosshairs, each plane through the same series. */
  private linesIn(pane: Viewer, series: SeriesDisplay, plane: Plane): Guide[] {
    return this.viewers.flatMap((other, number): Guide[] => {
      const { series: its, index, phase } = other.state;
      if (other === pane || phase !== 'ready' || !its || !inSameSpace(its, series)) return [];
      const crossed = this.crosshairs && its.section !== undefined;
      if (!crossed && other !== this.active) return [];
      const ends = crossing(its, index, plane);
      if (!ends) return [];
      const { colour, dash } = crossed && its.section ? CROSSHAIRS[its.section.plane] : REFERENCE;
      const label = its.section ? this.options.letterOf(its.section.plane) : '';
      const gap = crossed ? (this.cursor?.point ?? null) : null;
      return [{ id: `plane-${number}`, from: ends[0], to: ends[1], colour, dash, width: 1.2, gap, label }];
    });
  }

  private cutMarks(pane: Viewer, plane: Plane): Guide[] {
    const section = pane.state.series?.section;
    if (!section || pane.state.marksHidden) return [];
    const { record } = this.options;
    const classes = this.options.classes();
    const shown = [...record.marks.values()].filter((mark) => !record.look(mark.tracking_uid).hidden);
    return shown.flatMap((mark) => {
      const own = record.look(mark.tracking_uid).colour;
      const label = classes.find(({ code }) => code === mark.label_class);
      return cut(mark, section.source, plane, section.grid.step / 2).map(([from, to], part): Guide => {
        const id = `mark-${mark.tracking_uid}-${part}`;
        const words = part === 0 ? (label?.name ?? mark.label_class) : '';
        return {
          id,
          from,
          to,
          colour: own ?? label?.colour ?? '#e8eaed',
          dash: '',
          width: 2,
          gap: null,
          label: words,
        };
      });
    });
  }

  /** How many lines lie over a pane, for those who look from outside. */
  linesOver(pane: Viewer): number {
    return this.guides(pane).length;
  }
}
