import type { Migration } from '../migration.ts';

export const sessionViewOnly: Migration = {
  name: '0037-session-view-only',
  steps: ({ flag }) => [{ column: 'view_only', of: 'session', type: `${flag} not null default 0` }],
};
