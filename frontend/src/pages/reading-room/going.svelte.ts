/** Goes to where an answer is: its series, its image, its mark, and the field itself. */

import { tick } from 'svelte';
import { type Place, targetOf } from './conditions';
import type { FormState } from './form-state.svelte';

export interface Ways {
  image(series: number, frame: number): void;
  mark(uid: string): void;
  /** What lies on the page under that id. */
  element(id: string): HTMLElement | null;
  /** The question becomes the one that the reader is at. */
  question(code: string): void;
}

export const fieldOf = (code: string): string => `question-${code}`;

export class Going {
  private field = $state.raw<{ code: string; target: string } | null>(null);

  constructor(
    private readonly form: () => FormState,
    private readonly ways: Ways,
  ) {
    // The field is on the page once the image is there: whatever changes there, look again.
    $effect(() => {
      const { field } = this;
      void this.form().here;
      void this.form().selected;
      if (field) void tick().then(() => this.arrive(field));
    });
  }

  /** Shows the image, and selects the mark, that the place is. */
  show(place: Place): void {
    const { series, frame } = this.form().indexesOf(place);
    if (series >= 0) this.ways.image(series, frame);
    if (place.level === 'mark') this.ways.mark(targetOf(place));
  }

  /** With the keys in the question's field; without a question, among the marks. */
  to(question: string | null, place: Place): void {
    this.show(place);
    this.field = question === null ? null : { code: question, target: targetOf(place) };
    if (question === null) this.ways.element('marks')?.focus();
  }

  private arrive(field: { code: string; target: string }): void {
    const found = this.ways.element(fieldOf(field.code));
    if (this.field !== field || found?.dataset.target !== field.target) return;
    this.field = null;
    this.ways.question(field.code);
    found.querySelector<HTMLElement>('input, textarea, button')?.focus();
  }
}
