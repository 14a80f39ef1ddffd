import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.CONSILIUM_URL ?? 'http://127.0.0.1:8000';
const proxied = ['/api', '/accounts', '/admin', '/pixels'];

export default defineConfig({
  // Django serves the build under /static/ and index.html for every route of the application.
  base: '/static/',
  plugins: [svelte()],
  resolve: {
    alias: [
      {
        find: /^@kitware\/vtk\.js\/IO\/XML\/XMLPolyDataReader(\.js)?$/,
        replacement: fromHere('./stubs/xml-poly-data-reader.ts'),
      },
    ],
  },
  worker: { format: 'es' },
  optimizeDeps: {
    exclude: ['@cornerstonejs/dicom-image-loader'],
    include: ['dicom-parser'],
  },
  build: {
    target: 'es2022',
    // The server reads there which files a page needs, and names them in it: deploy/frontend.py.
    manifest: 'manifest.json',
    // Data URLs for workers and wasm would be refused by the content security policy.
    assetsInlineLimit: 0,
    // The viewer's own chunk is the library that draws pixels; it loads with the reading room alone.
    chunkSizeWarningLimit: 5000,
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, server])) },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
