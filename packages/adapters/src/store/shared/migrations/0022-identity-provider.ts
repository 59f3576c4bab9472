import type { Migration } from '../migration.ts';

export const identityProvider: Migration = {
  name: '0022-identity-provider',
  steps: ({ id, key, text, time, integer, flag, binary }) => [
    {
      table: 'identity_provider',
      body: `id ${id} not null primary key, kind ${id} not null, name ${text} not null, name_key ${key} not null, parameters ${text} not null,
        secret_key_id ${text}, secret ${binary}, rules ${text} not null, admits ${id} not null check (admits in ('matched', 'everyone')),
        trusts_factor ${flag} not null, enabled ${flag} not null, version ${integer} not null, created_at ${time} not null, updated_at ${time} not null`,
    },
    { index: 'identity_provider_name_key', unique: true, on: 'identity_provider (name_key)' },
    {
      // The subject's digest is the key: subjects are longer than an index takes.
      table: 'external_identity',
      body: `provider_id ${id} not null, subject_digest ${id} not null, subject ${text} not null, user_id ${id} not null, provider_groups ${text} not null,
        seen_at ${time} not null, suspended ${flag} not null, primary key (provider_id, subject_digest),
        foreign key (provider_id) references identity_provider (id) on delete cascade,
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'external_identity_by_user', on: 'external_identity (user_id)' },
    {
      table: 'pending_sign_in',
      body: `state_digest ${id} not null primary key, browser_digest ${id} not null, provider_id ${id} not null, next_path ${text} not null,
        expires_at ${time} not null`,
    },
    { index: 'pending_sign_in_by_expires', on: 'pending_sign_in (expires_at)' },
    {
      table: 'provided_login',
      body: `login_digest ${id} not null primary key, provider_id ${id} not null, subject_digest ${id} not null, subject ${text} not null,
        session_digest ${id}, session_id ${text}, hint_key_id ${text}, hint ${binary},
        foreign key (login_digest) references login (digest) on delete cascade`,
    },
    { index: 'provided_login_by_subject', on: 'provided_login (provider_id, subject_digest)' },
    { index: 'provided_login_by_session', on: 'provided_login (provider_id, session_digest)' },
    { table: 'spent_message', body: `digest ${id} not null primary key, expires_at ${time} not null` },
    { index: 'spent_message_by_expires', on: 'spent_message (expires_at)' },
    // Null: given by hand.
    { column: 'provider_id', of: 'group_member', type: id },
  ],
};
