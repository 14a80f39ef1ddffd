/** The descriptions of a case's series and of those beside it, each fetched once. */

import type { SeriesDisplay } from '../../viewer/types';
import { seriesOfSlot } from './server';

export class Displays {
  private readonly known = new Map<number, Promise<SeriesDisplay>>();
  private own = new Set<number>();
  private slot = 0;

  open(slot: number, own: readonly SeriesDisplay[]): void {
    this.slot = slot;
    this.own = new Set(own.map(({ id }) => id));
    this.known.clear();
    for (const display of own) this.known.set(display.id, Promise.resolve(display));
  }

  /** Whether marks can be made in it: not in what is only looked at beside the case. */
  isOwn = (id: number): boolean => this.own.has(id);

  /** Asks again: the address of its frames has ended. */
  fresh(id: number): Promise<SeriesDisplay> {
    return seriesOfSlot(this.slot, id);
  }

  /** A failure is not kept: the next who asks tries again. */
  get(id: number): Promise<SeriesDisplay> {
    let display = this.known.get(id);
    if (!display) {
      display = seriesOfSlot(this.slot, id);
      this.known.set(id, display);
      display.catch(() => this.known.delete(id));
    }
    return display;
  }
}
