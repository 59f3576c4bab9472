import type { Migration } from '../migration.ts';

/** `bootstrap` of 0001 held one link for all nodes; each has its own in `bootstrap_link` since 0006. */
export const withoutBootstrap: Migration = {
  name: '0021-without-bootstrap',
  steps: () => [{ drop: 'bootstrap' }],
};
