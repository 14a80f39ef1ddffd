/** Every page of the application. The first pattern that fits wins. */
import { askEarly } from './pages/reading-room/opening';
import { within } from './pages/reading-room/within';
import type { Route } from './router.svelte';

export const routes: readonly Route[] = [
  { path: '/', load: () => import('./pages/projects/Projects.svelte') },
  { path: '/account', load: () => import('./pages/account/Account.svelte') },
  { path: '/p/:slug', load: () => import('./pages/overview/Overview.svelte') },
  { path: '/p/:slug/list', load: () => import('./pages/list/ReadingList.svelte') },
  {
    path: '/p/:slug/read/:slot?',
    load: () => import('./pages/reading-room/ReadingRoom.svelte'),
    ask: ({ slug = '', slot }) => {
      askEarly(slug, slot ? Number(slot) : null, within());
      // The room asks for it again, and says so if it cannot be had.
      void import('./viewer/stage').catch(() => undefined);
    },
    bare: true,
  },
  { path: '/p/:slug/rounds', load: () => import('./pages/rounds/Rounds.svelte') },
  { path: '/p/:slug/rounds/:id', load: () => import('./pages/rounds/Round.svelte') },
  { path: '/p/:slug/models', load: () => import('./pages/models/Models.svelte') },
  { path: '/p/:slug/models/:id', load: () => import('./pages/models/Model.svelte') },
  { path: '/p/:slug/models/:id/against/:other', load: () => import('./pages/models/Compare.svelte') },
  { path: '/p/:slug/learning', load: () => import('./pages/learning/Learning.svelte') },
  { path: '/p/:slug/label-issues', load: () => import('./pages/issues/LabelIssues.svelte') },
  { path: '/p/:slug/datasets', load: () => import('./pages/datasets/Datasets.svelte') },
  { path: '/p/:slug/import', load: () => import('./pages/import/Import.svelte') },
  { path: '/p/:slug/schema', load: () => import('./pages/schema/Schema.svelte') },
  { path: '/p/:slug/hanging', load: () => import('./pages/hanging/Hanging.svelte') },
  { path: '/p/:slug/members', load: () => import('./pages/members/Members.svelte') },
];
