/** The reader's own keys: kept in this browser for the next start, and on the server for every other one. */
import { get, put, ApiError } from '../api/http';
import { me, queryClient } from '../api/queries';
import type { Keyboard as Stored } from '../api/types';
import { toasts } from '../state/toasts.svelte';
import { actionOf } from './actions';
import { ariaOf, nameOf } from './notation';
import { type Changes, give, type Keys, keysFor, type Profile, PROFILES, reset } from './profiles';

interface Kept {
  /** '' until the server has said who is here. */
  username: string;
  profile: Profile;
  changes: Changes;
  /** Not on the server yet. */
  waiting: boolean;
}

const STORED = 'consilium.keyboard';
const PATH = 'me/keyboard';
const NEW: Kept = { username: '', profile: 'default', changes: {}, waiting: false };

function read(): Kept {
  try {
    const kept = { ...NEW, ...JSON.parse(localStorage.getItem(STORED) ?? '{}') } as Kept;
    return PROFILES.includes(kept.profile) ? kept : NEW;
  } catch {
    return NEW;
  }
}

class Keyboard {
  #kept = $state.raw<Kept>(read());
  #syncing = false;
  readonly profile = $derived(this.#kept.profile);
  readonly own: Keys = $derived(this.#kept.changes[this.#kept.profile] ?? {});
  readonly keys: Keys = $derived(keysFor(this.profile, this.own));
  readonly waiting = $derived(this.#kept.waiting);

  of(id: string): readonly string[] {
    return this.keys[id] ?? [];
  }

  /** For the button that does the same: its title with the key, and the key for a screen reader. */
  hint(id: string, text = actionOf(id)?.label() ?? '') {
    const keys = this.of(id);
    return {
      title: keys[0] ? `${text} (${nameOf(keys[0])})` : text,
      'aria-keyshortcuts': ariaOf(keys) || undefined,
    };
  }

  choose(profile: Profile): void {
    this.#change({ profile });
  }

  give(id: string, key: string): void {
    this.#own(give(this.keys, this.own, id, key));
  }

  reset(id: string): void {
    this.#own(reset(this.profile, this.own, id));
  }

  resetAll(): void {
    this.#own({});
  }

  /** Another window of this browser may change the keys too. */
  watch(): () => void {
    const adopt = ({ key }: StorageEvent) => {
      if (key === STORED) this.#kept = read();
    };
    addEventListener('storage', adopt);
    return () => removeEventListener('storage', adopt);
  }

  /** Sends what waits, or takes what the server has. What fails is tried when the server is heard again. */
  async sync(): Promise<void> {
    if (this.#syncing) return;
    this.#syncing = true;
    try {
      await this.#recognise();
      if (!this.#kept.waiting) this.#take(await get<Stored>(PATH));
      while (this.#kept.waiting) await this.#send();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.#syncing = false;
    }
  }

  async #recognise(): Promise<void> {
    const { username } = await queryClient.fetchQuery(me());
    const known = this.#kept.username;
    if (known !== username) this.#keep({ ...(known ? NEW : this.#kept), username });
  }

  #take({ profile, changes }: Stored): void {
    if (!this.#kept.waiting) this.#keep({ ...this.#kept, profile, changes });
  }

  async #send(): Promise<void> {
    const sent = this.#kept;
    try {
      await put<Stored>(PATH, { profile: sent.profile, changes: sent.changes });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) throw error;
      toasts.fail(error.message);
    }
    if (this.#kept === sent) this.#keep({ ...sent, waiting: false });
  }

  #own(own: Keys): void {
    this.#change({ changes: { ...this.#kept.changes, [this.profile]: own } });
  }

  #change(part: Partial<Kept>): void {
    this.#keep({ ...this.#kept, ...part, waiting: true });
    void this.sync();
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    try {
      localStorage.setItem(STORED, JSON.stringify(kept));
    } catch {
      // A browser without room for it asks the server at its next start.
    }
  }
}

export const keyboard = new Keyboard();
