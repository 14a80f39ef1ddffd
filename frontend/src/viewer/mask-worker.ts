/** The worker that hashes and compresses labelmaps: a large one takes longer than a picture may wait. */

import { pack, type PackAnswer, type PackRequest } from './mask-packing';

async function answer({ data: { id, bytes } }: MessageEvent<PackRequest>): Promise<void> {
  try {
    const packed = await pack(bytes);
    const said: PackAnswer = { id, ...packed };
    self.postMessage(said, { transfer: [packed.gzip.buffer] });
  } catch (error) {
    self.postMessage({ id, failure: String(error) } satisfies PackAnswer);
  }
}

self.onmessage = (event: MessageEvent<PackRequest>) => void answer(event);
