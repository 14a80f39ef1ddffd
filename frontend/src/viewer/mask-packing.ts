/** A labelmap made ready to be sent: hashed and compressed. Runs in a worker, or here where there is none. */

import { compress, sha256 } from './masks';

export interface Packed {
  /** SHA-256 of the bytes as they were, hexadecimal. */
  hash: string;
  gzip: Uint8Array;
}

export interface PackRequest {
  id: number;
  bytes: Uint8Array;
}

export type PackAnswer = { id: number } & (Packed | { failure: string });

export async function pack(bytes: Uint8Array): Promise<Packed> {
  const [hash, gzip] = await Promise.all([sha256(bytes), compress(bytes)]);
  return { hash, gzip };
}

/** Hands the work to a worker; the bytes are those of the moment of the call, whatever is painted after it. */
export class Packer {
  private worker: Worker | null = null;
  private broken = false;
  private asked = 0;
  private readonly waiting = new Map<number, (answer: PackAnswer) => void>();

  constructor(private readonly start: () => Worker) {}

  readonly pack = async (bytes: Uint8Array): Promise<Packed> => {
    const answer = this.broken ? null : await this.ask(bytes);
    // The reader's work is not lost for want of a worker.
    return answer && 'hash' in answer ? answer : pack(bytes.slice());
  };

  close(): void {
    this.worker?.terminate();
    this.worker = null;
    this.giveUp();
  }

  private ask(bytes: Uint8Array): Promise<PackAnswer | null> {
    const id = ++this.asked;
    return new Promise((done) => {
      this.waiting.set(id, done);
      try {
        this.worker ??= this.begin();
        this.worker.postMessage({ id, bytes } satisfies PackRequest);
      } catch {
        this.fail();
      }
    });
  }

  private begin(): Worker {
    const worker = this.start();
    worker.onmessage = ({ data }: MessageEvent<PackAnswer>) => {
      this.waiting.get(data.id)?.(data);
      this.waiting.delete(data.id);
    };
    worker.onerror = () => this.fail();
    return worker;
  }

  private fail(): void {
    this.broken = true;
    this.giveUp();
  }

  private giveUp(): void {
    for (const [id, done] of this.waiting) done({ id, failure: 'no worker' });
    this.waiting.clear();
  }
}
