import type { Migration } from '../migration.ts';

/** The state machine of `core/session/session-state.ts`, held by the database too. */
const LEGAL = [
  "old.state = new.state and old.state <> 'ended'",
  "old.state = 'requested' and new.state in ('opening', 'ended')",
  "old.state = 'opening' and new.state in ('live', 'ended')",
  "old.state = 'live' and new.state in ('grace', 'ended')",
  "old.state = 'grace' and new.state in ('live', 'ended')",
];

export const session: Migration = {
  name: '0003-session',
  steps: ({ id, text, time, integer }) => [
    {
      table: 'session',
      // History outlives users and targets: no foreign keys.
      body: `id ${id} not null primary key, user_id ${id} not null, username ${text} not null, target_id ${id} not null, target_name ${text} not null,
        protocol ${id} not null, surface ${id} not null, state ${id} not null check (state in ('requested', 'opening', 'live', 'grace', 'ended')),
        node_id ${id} not null, login_digest ${id} not null, address ${text} not null, recording_id ${id}, requested_at ${time} not null,
        opened_at ${time}, ended_at ${time}, end_reason ${text}, end_detail ${text}, bytes_in ${time} not null, bytes_out ${time} not null,
        check ((state = 'ended') = (ended_at is not null)),
        check (state not in ('live', 'grace') or (opened_at is not null and node_id <> '')),
        check (state <> 'requested' or (opened_at is null and node_id = ''))`,
    },
    { index: 'session_by_requested', on: 'session (requested_at, id)' },
    { index: 'session_by_user', on: 'session (user_id, ended_at)' },
    { index: 'session_by_target', on: 'session (target_id, requested_at)' },
    { index: 'session_by_node', on: 'session (node_id, ended_at)' },
    { index: 'session_by_ended', on: 'session (ended_at, requested_at)' },
    {
      rule: {
        name: 'session_transition',
        table: 'session',
        on: 'update',
        when: `not (${LEGAL.map((condition) => `(${condition})`).join(' or ')})`,
        message: 'a session may not change in this way',
      },
    },
    {
      table: 'ticket',
      body: `digest ${id} not null primary key, kind ${id} not null, mode ${id} not null, session_id ${id} not null, viewer_id ${id} not null,
        login_digest ${id} not null, expires_at ${time} not null`,
    },
    { index: 'ticket_by_expires', on: 'ticket (expires_at)' },
    {
      table: 'recording',
      body: `id ${id} not null primary key, session_id ${id} not null, user_id ${id} not null, username ${text} not null, target_id ${id} not null,
        target_name ${text} not null, protocol ${id} not null, surface ${id} not null, node_id ${id} not null,
        state ${id} not null check (state in ('recording', 'complete', 'incomplete', 'gapped', 'retired')), started_at ${time} not null, ended_at ${time},
        duration_ms ${time} not null, stored_bytes ${time} not null, chunks ${integer} not null, end_reason ${text}, search_text ${text} not null`,
    },
    { index: 'recording_by_started', on: 'recording (started_at, id)' },
    { index: 'recording_by_user', on: 'recording (user_id, started_at)' },
    { index: 'recording_by_target', on: 'recording (target_id, started_at)' },
    { index: 'recording_by_session', on: 'recording (session_id)' },
  ],
};
