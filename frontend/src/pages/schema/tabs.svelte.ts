/** The other tabs of this browser in which the same label schema is open, and whether they change it. */

interface Said {
  tab: string;
  kind: 'who' | 'here' | 'gone';
  dirty: boolean;
}

const NAME = 'consilium.schema.tab';

export class Tabs {
  #known = $state.raw<ReadonlyMap<string, boolean>>(new Map());
  /** Some other tab has changes that it has not saved. */
  readonly changing = $derived([...this.#known.values()].some(Boolean));
  #id = sessionStorage.getItem(NAME) ?? named();
  private dirty = false;
  private closed = false;
  private readonly channel: BroadcastChannel;

  constructor(username: string, slug: string) {
    this.channel = new BroadcastChannel(`consilium.schema.${username}.${slug}`);
    this.channel.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data);
    this.say('who');
  }

  /** The same after a reload. */
  get id(): string {
    return this.#id;
  }

  get open(): ReadonlySet<string> {
    return new Set(this.#known.keys());
  }

  /** Tells the others whether this one has changes that it has not saved. */
  tell(dirty: boolean): void {
    if (dirty === this.dirty) return;
    this.dirty = dirty;
    this.say('here');
  }

  close(): void {
    if (this.closed) return;
    this.say('gone');
    this.closed = true;
    this.channel.close();
  }

  private hear({ tab, kind, dirty }: Said): void {
    // A tab that was duplicated begins with the name of its twin, which was here first.
    if (tab === this.#id && kind === 'here') this.#id = named();
    const known = new Map(this.#known);
    if (kind === 'gone') known.delete(tab);
    else if (tab !== this.#id) known.set(tab, dirty);
    this.#known = known;
    if (kind === 'who') this.say('here');
  }

  private say(kind: Said['kind']): void {
    this.channel.postMessage({ tab: this.#id, kind, dirty: this.dirty } satisfies Said);
  }
}

function named(): string {
  const name = crypto.randomUUID();
  sessionStorage.setItem(NAME, name);
  return name;
}
