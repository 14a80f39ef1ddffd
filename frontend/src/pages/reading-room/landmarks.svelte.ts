/** Where the reader is among the named landmarks of the armed class. */

import { namesOf, nextOf, placedOf } from '../../viewer/landmarks';
import type { LabelClass } from '../../viewer/types';
import type { Room } from './room.svelte';

export class Landmarks {
  /** What the reader went to; '' for what is next in order. */
  private at = $state('');

  constructor(
    private readonly room: Room,
    private readonly label: () => LabelClass | null,
    private readonly show: (uid: string) => void,
  ) {}

  readonly names: readonly string[] = $derived.by(() => {
    const label = this.label();
    return label ? namesOf(label) : [];
  });
  readonly placed: ReadonlyMap<string, string> = $derived.by(() => {
    const label = this.label();
    return label ? placedOf(label, this.room.marks) : new Map();
  });
  /** What the next point will be; null once all are placed. */
  readonly next: string | null = $derived.by(() => {
    const label = this.label();
    return label && nextOf(label, this.placed, this.at);
  });
  /** The one that the reader looks at, or else the one to place. */
  readonly current: string = $derived(this.at || (this.next ?? ''));

  /** A point of that class is placed: its name. */
  place(label: LabelClass): string | null {
    const name = nextOf(label, placedOf(label, this.room.marks), this.at);
    this.at = '';
    return name;
  }

  /** To the landmark after or before: one that is placed is shown, another is placed next. */
  step(by: 1 | -1): void {
    const { names } = this;
    if (names.length === 0) return;
    const from = names.indexOf(this.current);
    const start = from < 0 && by < 0 ? 0 : from;
    this.goTo(names[(start + by + names.length) % names.length] as string);
  }

  goTo(name: string): void {
    this.at = name;
    const uid = this.placed.get(name);
    if (uid) this.show(uid);
  }
}
