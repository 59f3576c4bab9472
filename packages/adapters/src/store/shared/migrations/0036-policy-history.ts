import type { Migration } from '../migration.ts';

/** What access rests on, as it was at each version of the catalog. What there is already is noted at the end of each migration. */
export const policyHistory: Migration = {
  name: '0036-policy-history',
  steps: ({ id, text, time }) => [
    {
      // Without references: it outlives what it is about. Without a body: gone.
      table: 'policy_history',
      body: `kind ${id} not null, object_id ${id} not null, version ${time} not null, at ${time} not null, body ${text},
        primary key (kind, object_id, version)`,
    },
    { index: 'policy_history_by_at', on: 'policy_history (at, version)' },
    {
      rule: {
        name: 'policy_history_no_update',
        table: 'policy_history',
        on: 'update',
        message: 'the history of access is append-only',
      },
    },
    {
      rule: {
        name: 'policy_history_no_delete',
        table: 'policy_history',
        on: 'delete',
        message: 'the history of access is append-only',
      },
    },
  ],
};
