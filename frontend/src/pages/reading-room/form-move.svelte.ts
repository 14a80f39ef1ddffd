/** A begun reading that may go on by a newer version of the form: what that would mean, and the move. */

import { t } from '../../strings';
import * as server from './server';
import type { Assignment, SchemaMoveTold } from './types';

interface Options {
  assignment: () => Assignment | null;
  /** Sends what is not saved yet; false if the server does not have all of it. */
  saved: () => Promise<boolean>;
  /** Opens the case anew, from what the server holds. */
  reopen: () => Promise<void>;
}

export class FormMove {
  /** The version to move to; null where there is none. */
  to = $state<number | null>(null);

  constructor(private readonly options: Options) {}

  /** What of the draft would not fit; asks the server, which then has all of the draft. */
  async weigh(): Promise<SchemaMoveTold> {
    return server.weighMove(await this.slot());
  }

  /** As it was weighed: if anything changed since, the server refuses. */
  async go({ draft, version }: SchemaMoveTold): Promise<void> {
    const slot = await this.slot();
    const token = this.options.assignment()?.token ?? 0;
    await server.moveForm(slot, { token, draft, version });
    await this.options.reopen();
  }

  private async slot(): Promise<number> {
    if (!(await this.options.saved())) throw new Error(t('move.unsaved'));
    const slot = this.options.assignment()?.slot;
    if (slot === undefined) throw new Error(t('move.unsaved'));
    return slot;
  }
}
