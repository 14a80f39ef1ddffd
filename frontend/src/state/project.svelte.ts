/** The project that the address names: what it is called and what the person may do in it. */
import { createQuery } from '@tanstack/svelte-query';
import { project } from '../api/queries';
import type { Right } from '../api/types';

/** Call while a component is being set up. */
export function currentProject(slug: () => string) {
  const query = createQuery(() => project(slug()));
  return {
    query,
    get data() {
      return query.data;
    },
    get title() {
      return query.data?.title ?? '';
    },
    may: (right: Right) => query.data?.actions.includes(right) ?? false,
  };
}
