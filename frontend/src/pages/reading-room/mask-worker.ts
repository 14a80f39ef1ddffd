/** Starts the worker that hashes and compresses labelmaps. */
export const maskWorker = (): Worker =>
  new Worker(new URL('../../viewer/mask-worker.ts', import.meta.url), { type: 'module', name: 'masks' });
