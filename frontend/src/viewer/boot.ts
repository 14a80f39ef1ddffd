/** Starts the drawing library once, and says plainly what this browser cannot do. */

import { cache, init as initCore } from '@cornerstonejs/core';
import { init as initLoader } from '@cornerstonejs/dicom-image-loader';
import { init as initTools } from '@cornerstonejs/tools';
import { t } from '../strings';
import { registerMetadata } from './frame-metadata';
import { registerFrames } from './frames';

export type Renderer = 'webgl2' | 'cpu';

export interface Boot {
  renderer: Renderer;
  /** What the reader should know about this browser; '' when all is well. */
  notice: string;
}

const CACHE_BYTES = 3 * 1024 ** 3;
// One drawing context for each pane: browsers allow few, and each costs start-up time.
const CONTEXTS = 1;

function hasWebGL2(): boolean {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}

function decodeWorkers(): number {
  return Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 2) / 2)));
}

let started: Boot | null = null;

export function boot(): Boot {
  if (started) return started;
  const renderer: Renderer = hasWebGL2() ? 'webgl2' : 'cpu';
  initCore({ rendering: { useCPURendering: renderer === 'cpu', webGlContextCount: CONTEXTS } } as Parameters<
    typeof initCore
  >[0]);
  initLoader({ maxWebWorkers: decodeWorkers() });
  initTools();
  cache.setMaxCacheSize(CACHE_BYTES);
  registerFrames();
  registerMetadata();
  started = { renderer, notice: renderer === 'cpu' ? t('viewer.noWebGL') : '' };
  return started;
}
