/** The project that the address names, for every page below it. */
import { createQuery } from '@tanstack/svelte-query';
import { project } from '../api/queries';
import type { Project } from '../api/types';

export interface CurrentProject {
  readonly data: Project | undefined;
  may: (action: string) => boolean;
}

/** Call while a component is being set up. */
export function currentProject(slug: () => string): CurrentProject {
  const query = createQuery(() => project(slug()));
  return {
    get data() {
      return query.data;
    },
    may: (action) => query.data?.actions.includes(action) ?? false,
  };
}
