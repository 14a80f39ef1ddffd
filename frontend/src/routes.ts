/** Every page of the application. The first pattern that fits wins. */
import type { Route } from './router.svelte';

export const routes: readonly Route[] = [
  { path: '/', load: () => import('./pages/projects/Projects.svelte') },
  { path: '/p/:slug/read/:slot?', load: () => import('./pages/reading-room/ReadingRoom.svelte'), bare: true },
];
