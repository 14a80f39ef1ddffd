/** Short messages about what has just happened. Errors stay until they are dismissed. */
export interface Toast {
  id: number;
  tone: 'plain' | 'error';
  text: string;
}

const SHOWN_MS = 5000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  say(text: string): void {
    const { id } = this.#add('plain', text);
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  fail(text: string): void {
    this.#add('error', text);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(tone: Toast['tone'], text: string): Toast {
    const toast = { id: this.#next++, tone, text };
    this.list = [...this.list.filter((other) => other.text !== text), toast];
    return toast;
  }
}

export const toasts = new Toasts();
