/** Which panes there are and what each shows: as a hanging protocol says, and as the reader changes it. */

import type { Links } from '../../viewer/links';
import { UNLINKED } from '../../viewer/links';
import type { PlaneName, SeriesDisplay, Window } from '../../viewer/types';
import type { Beside, Hanging, Hung } from './types';

export type ShownAs = 'stack' | PlaneName;

export interface PaneContent {
  series: number | null;
  show: ShownAs;
  window: Window | null;
  /** The frame to begin with; null: where the reader left it, or else the first one, of planes the middle one. */
  frame: number | null;
}

export interface Layout {
  rows: number;
  columns: number;
}

const SIDE = 3;
/** In the order in which the key goes through them; the menu has all. */
export const LAYOUTS: readonly Layout[] = [
  [1, 1],
  [1, 2],
  [2, 1],
  [1, 3],
  [2, 2],
  [2, 3],
  [3, 3],
].map(([rows = 1, columns = 1]) => ({ rows, columns }));
export const EVERY_LAYOUT: readonly Layout[] = Array.from({ length: SIDE * SIDE }, (_, i) => ({
  rows: Math.floor(i / SIDE) + 1,
  columns: (i % SIDE) + 1,
}));
const PLANES_SHOWN: readonly ShownAs[] = ['axial', 'sagittal', 'coronal', 'stack'];

export const isSame = (a: Layout, b: Layout): boolean => a.rows === b.rows && a.columns === b.columns;
const EMPTY: PaneContent = { series: null, show: 'stack', window: null, frame: null };
const stackOf = (series: number | null): PaneContent => ({ ...EMPTY, series });

interface Before {
  layout: Layout;
  panes: readonly PaneContent[];
  active: number;
  crosshairs: boolean;
}

export class Arrangement {
  layout = $state.raw<Layout>({ rows: 1, columns: 1 });
  panes = $state.raw<readonly PaneContent[]>([EMPTY]);
  active = $state(0);
  links = $state.raw<Links>(UNLINKED);
  crosshairs = $state(false);
  /** What laid the case out; null once no protocol of it is known. */
  applied = $state.raw<Hung | null>(null);
  protocols = $state.raw<readonly Hung[]>([]);
  beside = $state.raw<readonly Beside[]>([]);
  /** What the active pane shows. */
  looked = $state.raw<SeriesDisplay | null>(null);
  private own: readonly number[] = [];
  private before: Before | null = null;

  /** A case opens: with the first protocol that fits it, or else with its first series. */
  open(own: readonly number[], hanging: Hanging | null): void {
    this.own = own;
    this.beside = hanging?.beside ?? [];
    this.protocols = hanging?.protocols ?? [];
    const [first] = this.protocols;
    if (first) return this.apply(first);
    this.applied = null;
    this.show({ rows: 1, columns: 1 }, [stackOf(own[0] ?? null)]);
    this.links = UNLINKED;
    this.crosshairs = false;
  }

  apply(hung: Hung): void {
    this.applied = hung;
    const room = hung.layout.rows * hung.layout.columns;
    const panes = Array.from({ length: room }, (_, i): PaneContent => {
      const { series = null, show = 'stack', window = null } = hung.panes[i] ?? {};
      return { series, show, window: window && { ...window, name: '' }, frame: null };
    });
    this.show(hung.layout, panes);
    this.active = Math.max(
      0,
      panes.findIndex(({ series }) => series !== null),
    );
    this.links = { ...UNLINKED, ...hung.links };
    this.crosshairs = hung.crosshairs;
  }

  private show(layout: Layout, panes: readonly PaneContent[]): void {
    this.before = null;
    this.layout = layout;
    this.panes = panes;
    this.active = 0;
  }

  /** The next one that fits the case, or the first again; null if there is no other. */
  nextProtocol(): Hung | null {
    const at = this.protocols.findIndex(({ code }) => code === this.applied?.code);
    const next = this.protocols[(at + 1) % Math.max(1, this.protocols.length)];
    if (!next || (at >= 0 && this.protocols.length === 1)) return null;
    this.apply(next);
    return next;
  }

  nextLayout(): void {
    const at = LAYOUTS.findIndex((one) => isSame(one, this.layout));
    this.setLayout(LAYOUTS[(at + 1) % LAYOUTS.length] as Layout);
  }

  /** The active pane stays; new ones show series that are not shown yet, else the active one's again. */
  setLayout(layout: Layout): void {
    const count = layout.rows * layout.columns;
    const here = this.panes[this.active] ?? EMPTY;
    const kept = this.panes.slice(0, count);
    if (this.active >= count) kept[count - 1] = here;
    const shown = new Set(kept.map(({ series }) => series));
    const more = [...this.own, ...this.beside.map(({ id }) => id)].filter((id) => !shown.has(id));
    while (kept.length < count) kept.push(stackOf(more.shift() ?? here.series));
    const active = Math.min(this.active, count - 1);
    this.show(layout, kept);
    this.active = active;
  }

  get everySeries(): readonly number[] {
    return [...this.own, ...this.beside.map(({ id }) => id)];
  }

  place(
    series: number | null,
    {
      pane = this.active,
      show = 'stack',
      frame = null,
    }: Partial<Omit<PaneContent, 'series'>> & { pane?: number } = {},
  ): void {
    const content = { ...stackOf(series), show, frame };
    this.panes = this.panes.map((one, index) => (index === pane ? content : one));
    this.active = pane;
  }

  /** The series before or after the active pane's, in that pane. */
  step(by: number): void {
    const all = this.everySeries;
    const at = all.indexOf(this.panes[this.active]?.series ?? -1);
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    if (next !== undefined && at !== all.indexOf(next)) this.place(next);
  }

  nextPane(): void {
    this.active = (this.active + 1) % this.panes.length;
  }

  /** The pane that shows the series as it was acquired, the active one first; -1 if none does. */
  paneOf(series: number): number {
    const shows = ({ series: its, show }: PaneContent | undefined = EMPTY): boolean =>
      its === series && show === 'stack';
    return shows(this.panes[this.active]) ? this.active : this.panes.findIndex(shows);
  }

  get hasPlanes(): boolean {
    return this.panes.some(({ show }) => show !== 'stack');
  }

  /** Three planes through the active pane's series, and the series itself; again: as it was before. */
  togglePlanes(): void {
    if (this.hasPlanes) return this.leavePlanes();
    const here = this.panes[this.active] ?? EMPTY;
    const { layout, panes, active, crosshairs } = this;
    this.show(
      { rows: 2, columns: 2 },
      PLANES_SHOWN.map((show) => ({ ...here, show, frame: show === 'stack' ? here.frame : null })),
    );
    this.before = { layout, panes, active, crosshairs };
    this.crosshairs = true;
  }

  private leavePlanes(): void {
    const { before } = this;
    const series = this.panes[this.active]?.series ?? null;
    this.crosshairs = false;
    if (!before) return this.show({ rows: 1, columns: 1 }, [stackOf(series)]);
    this.show(before.layout, before.panes);
    this.active = before.active;
    this.crosshairs = before.crosshairs;
  }

  link(change: Partial<Links>): void {
    this.links = { ...this.links, ...change };
  }
}
