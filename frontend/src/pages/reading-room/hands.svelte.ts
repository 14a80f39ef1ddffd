/** What the reader holds: the class that new marks get, the tool, and the segment that both point at. */

import { toasts } from '../../state/toasts.svelte';
import { t } from '../../strings';
import { mayHave } from '../../viewer/looks';
import { madeBy, needsImage, type Tool } from '../../viewer/state';
import type { LabelClass, Refusal } from '../../viewer/types';
import type { Viewer } from '../../viewer/viewer';
import type { Room } from './room.svelte';
import { Landmarks } from './landmarks.svelte';
import { Segments } from './segments.svelte';

export class Hands {
  classCode = $state('');
  readonly segments: Segments;
  readonly landmarks: Landmarks;

  constructor(
    private readonly room: Room,
    private readonly viewer: () => Viewer | null,
    jumpTo: (uid: string) => void,
  ) {
    this.segments = new Segments(room, viewer);
    this.landmarks = new Landmarks(room, () => this.label, jumpTo);
  }

  get label(): LabelClass | null {
    return this.classOf(this.classCode);
  }

  private classOf(code: string): LabelClass | null {
    return this.room.classes.find((one) => one.code === code) ?? null;
  }

  /** Arms a class without touching any mark. */
  hold(code: string): void {
    this.classCode = code;
    this.viewer()?.setClass(code);
  }

  /** Arms a class, and gives it to the mark that is selected. */
  setClass(code: string): void {
    const viewer = this.viewer();
    const label = this.classOf(code);
    const selected = viewer?.state.selected;
    if (selected && !this.room.editing.changeClass(selected, code)) return this.unfit(label);
    this.hold(code);
    // A class takes no marks that the schema does not give it: the tool is put down.
    const kind = viewer && madeBy(viewer.state.tool);
    if (kind && !mayHave(label, kind)) viewer?.setTool('window');
  }

  /** Takes a tool up; the threshold brush that is taken up again looks at what is under it. */
  setTool(tool: Tool): void {
    const kind = madeBy(tool);
    const viewer = this.viewer();
    if (kind && !mayHave(this.label, kind)) this.unfit(this.label);
    else if (viewer?.state.series?.section && needsImage(tool)) this.refuse('inPlane');
    else if (tool === 'threshold' && viewer?.state.tool === tool) viewer.painter.sample();
    else viewer?.setTool(tool);
  }

  private unfit(label: LabelClass | null): void {
    toasts.fail(t('tool.notForClass', { label: label?.name ?? '' }));
  }

  refuse = (why: Refusal): void => {
    const label = this.label ? this.room.editing.segment(this.label).name : '';
    toasts.fail(t(`refusal.${why}`, { label }));
  };

  /** Hides or shows the mark that is selected, or else the segment. */
  hideOne(): void {
    const mark = this.room.record.marks.get(this.viewer()?.state.selected ?? '');
    if (mark) this.room.editing.hideMark(mark);
    else if (this.label && this.segments.target()) this.room.editing.hideSegment(this.label);
  }

  copySegment(): void {
    const target = this.segments.target();
    if (target) this.segments.copy(target, 1);
  }

  interpolate(): void {
    const target = this.segments.target();
    if (target) void this.segments.interpolate(target);
  }

  clearSegment(code: string): void {
    this.hold(code);
    const target = this.segments.target();
    if (target) void this.segments.clear(target);
  }
}
