import type { Migration } from '../migration.ts';

export const sessionSeat: Migration = {
  name: '0028-session-seat',
  steps: ({ id }) => [
    { column: 'grant_id', of: 'session', type: id },
    { index: 'session_by_grant', on: 'session (grant_id, ended_at)' },
  ],
};
