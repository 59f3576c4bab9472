import type { Migration } from '../migration.ts';

export const grantConditions: Migration = {
  name: '0023-grant-conditions',
  steps: ({ id, text }) => [
    { column: 'effect', of: 'access_grant', type: `${id} not null default 'allow'` },
    { column: 'conditions', of: 'access_grant', type: text },
  ],
};
