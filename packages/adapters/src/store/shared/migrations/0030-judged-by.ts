import type { Migration } from '../migration.ts';

/** Which rules a scope was judged by, so that what one node saved and did not finish is finished by another. */
export const judgedBy: Migration = {
  name: '0030-judged-by',
  steps: ({ id }) => [{ column: 'judged_by', of: 'discovery_scope', type: id }],
};
