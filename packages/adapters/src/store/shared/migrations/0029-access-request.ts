import type { Migration } from '../migration.ts';

/** Requests outlive their people, machines and grants, as history does: names are kept beside ids. */
export const accessRequest: Migration = {
  name: '0029-access-request',
  steps: ({ id, key, text, time, integer, flag, binary }) => [
    {
      table: 'access_request',
      body: `id ${id} not null primary key, user_id ${id} not null, username ${text} not null, grant_id ${id} not null, scope ${text} not null,
        scope_name ${text} not null, actions ${text} not null, from_at ${time} not null, until_at ${time} not null, reason ${text} not null,
        sessions ${integer} not null, break_glass ${flag} not null, asked_hash ${id} not null,
        state ${id} not null check (state in ('pending', 'approved', 'denied', 'cancelled')), uses ${integer} not null check (uses <= sessions),
        created_at ${time} not null, decided_at ${time}`,
    },
    { index: 'access_request_by_user', on: 'access_request (user_id, created_at, id)' },
    { index: 'access_request_by_grant', on: 'access_request (grant_id, created_at, id)' },
    { index: 'access_request_by_created', on: 'access_request (created_at, id)' },
    {
      table: 'request_decision',
      body: `request_id ${id} not null, user_id ${id} not null, username ${text} not null, verdict ${id} not null, words ${text} not null,
        asked_hash ${id} not null, decided_at ${time} not null, primary key (request_id, user_id),
        foreign key (request_id) references access_request (id) on delete cascade`,
    },
    {
      table: 'notification_endpoint',
      body: `id ${id} not null primary key, kind ${id} not null, name ${text} not null, name_key ${key} not null, parameters ${text} not null,
        secret_key_id ${text}, secret ${binary}, enabled ${flag} not null, version ${integer} not null, created_at ${time} not null,
        updated_at ${time} not null, delivered_at ${time}, problem ${text}`,
    },
    { index: 'notification_endpoint_name_key', unique: true, on: 'notification_endpoint (name_key)' },
    {
      table: 'notification_queue',
      body: `id ${id} not null primary key, endpoint_id ${id} not null, body ${text} not null, attempts ${integer} not null, next_at ${time} not null,
        foreign key (endpoint_id) references notification_endpoint (id) on delete cascade`,
    },
    { index: 'notification_queue_by_next', on: 'notification_queue (next_at, id)' },
  ],
};
