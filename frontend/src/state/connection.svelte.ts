/** Whether the server answers and still knows us. Watched by the banners; asked by whatever saves work. */

const PROBE = '/api/me';
const PROBE_EVERY_MS = 4000;

class Connection {
  /** False from the first unanswered request until the server is heard again. */
  online = $state(true);
  /** False once the server said that the session has ended. */
  signedIn = $state(true);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** An answer to a request; a good one shows that the session lives, perhaps renewed in another window. */
  heard(good = false): void {
    if (good) this.signedIn = true;
    this.online = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  lost(): void {
    this.online = false;
    this.#timer ??= setTimeout(() => this.#probe(), PROBE_EVERY_MS);
  }

  signedOut(): void {
    this.signedIn = false;
  }

  /** Called once, by the page: the browser's own word is a hint; the probe decides. */
  watch(): () => void {
    const lost = () => this.lost();
    const probe = () => this.#probe();
    addEventListener('offline', lost);
    addEventListener('online', probe);
    return () => {
      removeEventListener('offline', lost);
      removeEventListener('online', probe);
      clearTimeout(this.#timer);
    };
  }

  async #probe(): Promise<void> {
    this.#timer = undefined;
    try {
      const response = await fetch(PROBE, { credentials: 'same-origin', cache: 'no-store' });
      this.heard();
      if (response.ok) this.signedIn = true;
      else if (response.status === 401) this.signedIn = false;
    } catch {
      this.lost();
    }
  }
}

export const connection = new Connection();
