import type { Migration } from '../migration.ts';

/** Whom the owner of a session lets look on. Without a reference to the session: what is over by its time is deleted by it. */
export const sessionInvitation: Migration = {
  name: '0040-session-invitation',
  steps: ({ id, text, time }) => [
    {
      table: 'session_invitation',
      body: `id ${id} not null primary key, session_id ${id} not null, username ${text} not null, guest_id ${id},
        created_at ${time} not null, expires_at ${time} not null`,
    },
    { index: 'session_invitation_by_session', on: 'session_invitation (session_id, guest_id)' },
    { index: 'session_invitation_by_guest', on: 'session_invitation (guest_id, expires_at)' },
    { index: 'session_invitation_by_expires', on: 'session_invitation (expires_at)' },
  ],
};
