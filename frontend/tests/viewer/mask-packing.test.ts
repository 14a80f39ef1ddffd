import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { beforeEach, expect, it, vi } from 'vitest';
import { type PackAnswer, Packer, type PackRequest, pack } from '../../src/viewer/mask-packing';

const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * at) % 7);
const hash = createHash('sha256').update(bytes).digest('hex');

/** Runs the real worker's module; messages are cloned on their way, as a browser does. */
class FakeWorker {
  onmessage: ((event: { data: PackAnswer }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly terminate = vi.fn();
  postMessage(request: PackRequest): void {
    const data = structuredClone(request);
    post = (answer) => this.onmessage?.({ data: answer });
    (globalThis as unknown as { onmessage: (event: unknown) => void }).onmessage({ data });
  }
}

let post: (answer: PackAnswer) => void;

beforeEach(async () => {
  vi.stubGlobal('self', globalThis);
  vi.stubGlobal('postMessage', (answer: PackAnswer) => post(answer));
  vi.resetModules();
  await import('../../src/viewer/mask-worker');
});

it('hashes and compresses as anybody else would', async () => {
  const packed = await pack(bytes);
  expect(packed.hash).toBe(hash);
  expect(new Uint8Array(gunzipSync(packed.gzip))).toEqual(bytes);
});

it('gives the same in the worker, of the bytes as they were when it was asked', async () => {
  const worker = new FakeWorker();
  const packer = new Packer(() => worker as unknown as Worker);
  const painted = bytes.slice();
  const asked = packer.pack(painted);
  painted.fill(9);
  expect((await asked).hash).toBe(hash);
  const [again, other] = await Promise.all([packer.pack(bytes), packer.pack(painted)]);
  expect(again.hash).toBe(hash);
  expect(other.hash).toBe((await pack(painted)).hash);
  packer.close();
  expect(worker.terminate).toHaveBeenCalled();
});

it('works without a worker, and asks none again that failed', async () => {
  const start = vi.fn(() => {
    throw new Error('no workers here');
  });
  const packer = new Packer(start as unknown as () => Worker);
  expect((await packer.pack(bytes)).hash).toBe(hash);
  expect((await packer.pack(bytes)).hash).toBe(hash);
  expect(start).toHaveBeenCalledOnce();
  const broken = new FakeWorker();
  broken.postMessage = () => broken.onerror?.();
  expect((await new Packer(() => broken as unknown as Worker).pack(bytes)).hash).toBe(hash);
});
