/**
 * Segmenting by prompts: what was prompted so far, the newest answer of the server as a preview, and the one
 * step that makes it part of the segment. Nothing of it is in the record before it is accepted.
 */

import { sentence } from '../../api/http';
import type { PromptChange } from '../../keys/actions';
import { toasts } from '../../state/toasts.svelte';
import { t } from '../../strings';
import { lockedValues } from '../../viewer/looks';
import type { Part } from '../../viewer/record';
import type { Prompt } from '../../viewer/prompts';
import type { LabelClass, SeriesDisplay } from '../../viewer/types';
import type { Viewer } from '../../viewer/viewer';
import type { VoxelPatch } from '../../voxels/patch';
import { Preview } from './preview';
import { askForMask, methodsOf, type PromptMethod } from './prompt-doors';
import type { Room } from './room.svelte';

const SLOW_MS = 1000;

export class Prompting {
  methods = $state.raw<readonly PromptMethod[]>([]);
  /** Why no method can be asked; '' while that is not known. */
  closed = $state('');
  private chosen = $state('');
  positive = $state(true);
  drag = $state<'scribble' | 'box'>('box');
  volume = $state(false);
  prompts = $state.raw<readonly Prompt[]>([]);
  preview = $state.raw<Preview | null>(null);
  failure = $state('');
  /** The newest prompts are being answered. */
  asking = $state(false);
  /** And have been for more than a second. */
  slow = $state(false);
  series = $state.raw<SeriesDisplay | null>(null);
  private label = $state.raw<LabelClass | null>(null);
  private request: AbortController | null = null;
  private slot = 0;
  private loaded = 0;
  private begun = 0;

  constructor(
    private readonly room: Room,
    private readonly viewer: () => Viewer | null,
  ) {}

  readonly method: PromptMethod | null = $derived(
    this.methods.find(({ code }) => code === this.chosen) ??
      this.methods.find((one) => !one.unavailable) ??
      null,
  );

  /** The class that the preview is for. */
  get target(): LabelClass | null {
    return this.label;
  }

  /** Another case, or none. */
  begin(slot: number): void {
    this.discard();
    if (slot === this.slot) return;
    this.slot = slot;
    this.loaded = 0;
    this.methods = [];
    this.closed = '';
  }

  /** The tool was taken up: which methods there are is asked once for each case. */
  async load(): Promise<void> {
    const { slot } = this;
    if (!slot || this.loaded === slot) return;
    this.loaded = slot;
    this.closed = '';
    try {
      const methods = await methodsOf(slot);
      if (slot === this.slot) this.methods = methods;
    } catch (error) {
      if (slot !== this.slot) return;
      this.loaded = 0;
      this.closed = sentence(error);
    }
  }

  choose(code: string): void {
    this.chosen = code;
    this.ask();
  }

  switch(change: PromptChange): void {
    if (change === 'sign') this.positive = !this.positive;
    if (change === 'drag') this.drag = this.drag === 'box' ? 'scribble' : 'box';
    if (change === 'extent' && this.viewer()?.state.series?.slice_spacing) this.extend(!this.volume);
    if (change === 'method') {
      const able = this.methods.filter(({ unavailable }) => !unavailable);
      const next = able[(able.findIndex((one) => one === this.method) + 1) % able.length];
      if (next && next !== this.method) this.choose(next.code);
    }
  }

  /** On the images around, too; prompts in a plane across them cannot do without. */
  extend(volume: boolean): void {
    if (!volume && this.prompts.some(({ frame }) => frame === null))
      return toasts.say(t('prompt.acrossImages'));
    this.volume = volume;
    this.ask();
  }

  /** Why a prompt cannot be made there; '' if it can. `frame`: null in a plane across the images. */
  refusal(series: SeriesDisplay, frame: number | null): string {
    const [first] = this.prompts;
    if (!first) return '';
    if (series.id !== this.series?.id) return t('prompt.otherSeries');
    if (this.volume || frame === null || first.frame === null || frame === first.frame) return '';
    return t('prompt.elsewhere', { number: first.frame + 1 });
  }

  /** `series`: what was prompted, and not the planes through it. */
  add(prompt: Prompt, series: SeriesDisplay, label: LabelClass): void {
    if (this.prompts.length === 0) this.begun = performance.now();
    this.series = series;
    this.label = label;
    if (prompt.frame === null) this.volume = true;
    this.prompts = [...this.prompts, prompt];
    this.ask();
  }

  /** Takes the last prompt back; false if there is none. */
  takeBack(): boolean {
    if (this.prompts.length === 0) return false;
    this.prompts = this.prompts.slice(0, -1);
    if (this.prompts.length > 0) this.ask();
    else this.discard();
    return true;
  }

  /** False if there was nothing to discard. */
  discard(): boolean {
    const any = this.prompts.length > 0;
    this.stopAsking();
    this.prompts = [];
    this.preview = null;
    this.failure = '';
    this.series = this.label = null;
    return any;
  }

  /** The answer is not waited for any more; the prompts stay. */
  stop(): void {
    if (!this.asking) return;
    this.stopAsking();
    this.failure = t('prompt.stopped');
  }

  /** Another class was armed: the same prompts are for that one now. */
  retarget(label: LabelClass | null): void {
    if (!label || !this.label || label.code === this.label.code) return;
    this.label = label;
    this.ask();
  }

  ask(): void {
    this.stopAsking();
    this.failure = '';
    if (this.prompts.length === 0) return;
    const why = this.whyNot();
    if (why) {
      this.preview = null;
      this.failure = why;
      return;
    }
    void this.send();
  }

  private whyNot(): string {
    const { method, label } = this;
    if (!method) return this.closed ? t('prompt.noMethods', { reason: this.closed }) : t('prompt.loading');
    if (label && method.classes && !method.classes.includes(label.code))
      return t('prompt.notLearnt', { label: label.name });
    return '';
  }

  private async send(): Promise<void> {
    const { series, label, method, prompts, volume, slot } = this;
    const token = this.room.assignment?.token;
    if (!series || !label || !method || token === undefined) return;
    const request = (this.request = new AbortController());
    const timer = setTimeout(() => (this.slow = true), SLOW_MS);
    this.asking = true;
    const question = {
      token,
      series: series.id,
      label_class: label.code,
      method: method.code,
      volume,
      prompts,
    };
    try {
      const answer = await askForMask(slot, question, request.signal);
      if (request !== this.request) return;
      this.preview = new Preview(answer, label);
      if (this.preview.voxels === 0) this.failure = t('prompt.none');
    } catch (error) {
      if (request !== this.request) return;
      this.preview = null;
      this.failure = sentence(error);
    } finally {
      clearTimeout(timer);
      if (request === this.request) this.rest();
    }
  }

  private stopAsking(): void {
    this.request?.abort();
    this.rest();
  }

  private rest(): void {
    this.request = null;
    this.asking = this.slow = false;
  }

  /** The preview becomes part of its segment, in one step. */
  accept(): void {
    const { preview, series, label } = this;
    // What is shown is not what the newest prompt asks for.
    if (this.asking) return toasts.say(t('prompt.working'));
    if (!preview || !series || !label || preview.voxels === 0) return;
    if (!this.viewer()?.painter.mayPaint(false)) return;
    const { record, classes } = this.room;
    const map = record.labelmap(series.id, series.frame_count, series.rows, series.columns);
    const patch = preview.patchOf(map, label.value, lockedValues(classes, record.look));
    const { name } = this.room.editing.segment(label);
    if (!patch) return toasts.say(t('prompt.nothing', { label: name }));
    record.commitAll(t('step.prompted', { label: name }), this.parts(series.id, patch, preview.answer.id));
    this.discard();
  }

  private parts(series: number, patch: VoxelPatch, prompted: number): Part[] {
    const seconds = Math.round((performance.now() - this.begun) / 100) / 10;
    return [
      { kind: 'voxels', series, patch },
      { kind: 'prompted', prompted, before: null, after: { prompted, seconds } },
    ];
  }
}
