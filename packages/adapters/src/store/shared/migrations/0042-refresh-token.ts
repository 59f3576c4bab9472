import type { Migration } from '../migration.ts';

/** By what providers are asked again about logins that rest on them. */
export const refreshToken: Migration = {
  name: '0042-refresh-token',
  steps: ({ id, text, time, integer, flag, binary }) => [
    {
      table: 'refresh_token',
      body: `id ${id} not null primary key, login_digest ${id} not null, provider_id ${id} not null, subject_digest ${id} not null, subject ${text} not null,
        key_id ${text} not null, wrapped_key ${binary} not null, nonce ${binary} not null, ciphertext ${binary} not null, version ${integer} not null,
        answered_at ${time} not null, due_at ${time} not null, failures ${integer} not null, reason ${text}, in_doubt ${flag} not null,
        foreign key (login_digest) references login (digest) on delete cascade`,
    },
    { index: 'refresh_token_by_due', on: 'refresh_token (due_at)' },
    { index: 'refresh_token_by_subject', on: 'refresh_token (provider_id, subject_digest)' },
    { index: 'refresh_token_login', unique: true, on: 'refresh_token (login_digest)' },
  ],
};
