/** Builds the page that the benchmark compares the reading room with; it is no part of the product. */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import product from '../../../vite.config';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/static/bare/',
  publicDir: false,
  resolve: product.resolve ?? {},
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 5000, emptyOutDir: true },
});
