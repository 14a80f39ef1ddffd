/** The pages of a project: their addresses, who sees them in the sidebar, and the key that opens each. */
import type { Key } from '../strings';

export interface ProjectPage {
  path: string;
  label: Key;
  /** Any one of these actions shows it; none: every member. */
  needs: readonly string[];
  key: string;
}

export const projectPages: readonly ProjectPage[] = [
  { path: '', label: 'nav.overview', needs: [], key: 'o' },
  { path: '/list', label: 'nav.list', needs: ['cases.read', 'cases.view'], key: 'l' },
  { path: '/rounds', label: 'nav.rounds', needs: ['rounds.view'], key: 'r' },
  { path: '/models', label: 'nav.models', needs: ['rounds.view'], key: 'm' },
  { path: '/learning', label: 'nav.learning', needs: ['progress.view'], key: 'e' },
  { path: '/label-issues', label: 'nav.labelIssues', needs: ['project.edit'], key: 'q' },
  { path: '/datasets', label: 'nav.datasets', needs: ['datasets.view'], key: 'd' },
  { path: '/import', label: 'nav.import', needs: ['images.import'], key: 'i' },
  { path: '/schema', label: 'nav.schema', needs: ['schema.edit', 'cases.read', 'progress.view'], key: 's' },
  { path: '/hanging', label: 'nav.hanging', needs: ['project.edit', 'cases.read'], key: 'h' },
  { path: '/members', label: 'nav.members', needs: ['members.view'], key: 'u' },
];

/** Whether a person with these actions gets more than a refusal at an address below the project's. */
export function mayOpen(actions: readonly string[], address: string): boolean {
  const [first = ''] = address.replace(/^\//, '').split('/');
  if (first === 'read') return actions.includes('cases.read');
  return pagesFor(actions).some(({ path }) => path === (first && `/${first}`));
}

export const pagesFor = (actions: readonly string[]): ProjectPage[] =>
  projectPages.filter(({ needs }) => needs.length === 0 || needs.some((action) => actions.includes(action)));
