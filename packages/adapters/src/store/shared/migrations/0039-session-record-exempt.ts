import type { Migration } from '../migration.ts';

export const sessionRecordExempt: Migration = {
  name: '0039-session-record-exempt',
  steps: ({ flag }) => [{ column: 'record_exempt', of: 'session', type: `${flag} not null default 0` }],
};
