/** Work on a whole segment: in a thread of its own, with progress, and one step of the history at its end. */

import { sentence } from '../../api/http';
import { toasts } from '../../state/toasts.svelte';
import { t } from '../../strings';
import type { Labelmap } from '../../viewer/labelmap';
import { type Appearance, lockedValues } from '../../viewer/looks';
import { sourceOf } from '../../viewer/links';
import { frameIndexOf } from '../../viewer/measure';
import { outlineOf } from '../../viewer/outlines';
import { planeOf } from '../../viewer/plane';
import type { SeriesDisplay } from '../../viewer/types';
import type { Viewer } from '../../viewer/viewer';
import { isColour } from '../../viewer/windows';
import type { Spacing } from '../../voxels/grid';
import { type Job, type Operation, type Outline, patchOf } from '../../voxels/operations';
import type { VoxelPatch } from '../../voxels/patch';
import type { Statistics } from '../../voxels/tally';
import { GivenUp, Workbench } from '../../voxels/workbench';
import type { Room } from './room.svelte';

/** The segment of the armed class in the series that is open, as images or as planes through them. */
export interface Target {
  series: SeriesDisplay;
  map: Labelmap;
  label: Appearance;
  /** The image shown; -1 in a plane across them. */
  frame: number;
}

export class Segments {
  /** What is under way; null while nothing is. */
  running = $state.raw<{ what: string; part: number } | null>(null);
  private readonly bench = new Workbench();
  private stopping = false;

  constructor(
    private readonly room: Room,
    private readonly viewer: () => Viewer | null,
  ) {}

  giveUp(): void {
    this.stopping = true;
    this.bench.giveUp();
  }

  /** Null, with a word to the reader, if the armed class is not painted in the open series. */
  target(): Target | null {
    const viewer = this.viewer();
    const shown = viewer?.state.series;
    const active = viewer?.activeClass;
    if (!viewer || !shown || !active) return null;
    const series = sourceOf(shown);
    const label = this.room.editing.segment(active);
    const map = this.room.record.labelmaps.get(series.id);
    if (!map?.counts[label.value]) {
      toasts.say(t('segment.nothing', { label: label.name }));
      return null;
    }
    return { series, map, label, frame: shown.section ? -1 : viewer.state.index };
  }

  /** True once it is done, or found to change nothing. */
  async run({ series, map, label, frame }: Target, operation: Operation, title: string): Promise<boolean> {
    if (this.refusesLocked(label) || this.running) return false;
    const { revision } = map;
    const job = this.job({ series, map, label, frame }, operation, map.bytes.slice());
    const patch = await this.during(title, (progress) => this.bench.patch(job, progress));
    if (patch === undefined) return false;
    // Its patch says what each voxel was: it fits no other state.
    if (map.revision !== revision || this.room.record.labelmaps.get(series.id) !== map) {
      toasts.fail(t('segment.changedMeanwhile'));
      return false;
    }
    this.keep(series.id, patch, title, operation.kind === 'clear' ? label.value : undefined);
    return true;
  }

  clear(target: Target): Promise<boolean> {
    const title = t('step.clear', { label: target.label.name });
    return this.run(target, { kind: 'clear', extent: 'volume' }, title);
  }

  interpolate(target: Target): Promise<boolean> {
    const title = t('step.interpolate', { label: target.label.name });
    return this.run(target, { kind: 'interpolate' }, title);
  }

  /** Copies the segment of the image shown to its neighbour, and goes there. */
  copy(target: Target, by: 1 | -1): void {
    const { series, map, label, frame } = target;
    if (this.refusesLocked(label)) return;
    if (frame < 0) return toasts.fail(t('refusal.inPlane'));
    const patch = patchOf(this.job(target, { kind: 'copy', by }, map.bytes));
    const title = t('step.copy', { label: label.name, number: frame + by + 1 });
    this.keep(series.id, patch, title);
    if (patch) void this.viewer()?.goTo(frame + by);
  }

  /** Null if it was stopped or cannot be said. */
  async statistics({ series, map, label }: Target): Promise<Statistics | null> {
    if (this.running) return null;
    const painter = isColour(series) ? null : this.viewer()?.painter;
    const found = await this.during(t('segment.statistics'), async (progress) => {
      const frames = map.paintedFrames();
      for (const [done, frame] of frames.entries()) {
        const labels = map.frame(frame).slice();
        const pixels = (await painter?.load(series, frame)) ?? new Uint8Array(labels.length);
        await this.bench.tally(label.value, labels, pixels);
        progress((done + 1) / frames.length);
      }
      return this.bench.total(spacingOf(series), series.pixel_spacing !== null);
    });
    return found ?? null;
  }

  /** What closed marks of a class enclose, on the frames of a series. */
  outlines(series: SeriesDisplay, code: string): Outline[] {
    return [...this.room.record.marks.values()].flatMap((mark) => {
      const frame = frameIndexOf(series, mark);
      if (mark.label_class !== code || frame < 0) return [];
      const points = outlineOf(mark, planeOf(series, frame));
      return points ? [{ frame, points }] : [];
    });
  }

  private job({ series, map, label, frame }: Target, operation: Operation, bytes: Uint8Array): Job {
    const { frames, rows, columns } = map;
    const locked = lockedValues(this.room.classes, this.room.record.look);
    return {
      bytes,
      grid: { frames, rows, columns },
      spacing: spacingOf(series),
      frame,
      value: label.value,
      locked: [...locked.keys()].filter((value) => locked[value]),
      operation,
    };
  }

  private refusesLocked({ locked, name }: Appearance): boolean {
    if (locked) toasts.fail(t('refusal.locked', { label: name }));
    return locked;
  }

  private keep(series: number, patch: VoxelPatch | null, title: string, deleted?: number): void {
    if (patch) this.room.record.repaint(series, patch, title, deleted);
    else toasts.say(t('segment.unchanged', { what: title }));
  }

  // Undefined if it was stopped or failed; then the reader has been told.
  private async during<T>(
    what: string,
    work: (progress: (part: number) => void) => Promise<T>,
  ): Promise<T | undefined> {
    this.running = { what, part: 0 };
    this.stopping = false;
    try {
      return await work((part) => {
        if (this.stopping) throw new GivenUp();
        this.running = { what, part };
      });
    } catch (error) {
      if (error instanceof GivenUp) toasts.say(t('segment.stopped'));
      else toasts.fail(t('segment.failed', { reason: sentence(error) }));
      return undefined;
    } finally {
      this.running = null;
    }
  }
}

function spacingOf(series: SeriesDisplay): Spacing {
  const { columnSpacing, rowSpacing } = planeOf(series, 0);
  return { column: columnSpacing, row: rowSpacing, frame: series.slice_spacing };
}
