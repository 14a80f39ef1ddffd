import type { Role } from '../../api/types';

/** In the order in which they are offered. */
export const roles: readonly Role[] = [
  'reader',
  'adjudicator',
  'lead',
  'ml_engineer',
  'steward',
  'site_admin',
];
