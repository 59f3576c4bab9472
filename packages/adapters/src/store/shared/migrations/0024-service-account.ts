import type { Migration } from '../migration.ts';

export const serviceAccount: Migration = {
  name: '0024-service-account',
  // Null and 0: a person's.
  steps: ({ flag }) => [{ column: 'service', of: 'user_account', type: flag }],
};
