/** The state of a pane, for those who watch it. */

import { EMPTY, type ViewerState } from './state';

export class Watched {
  protected now: ViewerState = EMPTY;
  private readonly listeners = new Set<(state: ViewerState) => void>();

  get state(): ViewerState {
    return this.now;
  }

  watch(listener: (state: ViewerState) => void): () => void {
    this.listeners.add(listener);
    listener(this.now);
    return () => this.listeners.delete(listener);
  }

  protected set(change: Partial<ViewerState>): void {
    this.now = { ...this.now, ...change };
    for (const listener of this.listeners) listener(this.now);
  }
}
