import type { Migration } from '../migration.ts';

export const secondFactor: Migration = {
  name: '0011-second-factor',
  steps: ({ id, key, text, time, integer, flag, binary }) => [
    // Logins from before have no cookie of their own beside the digest: null, and the digest stands for it.
    { column: 'cookie_digest', of: 'login', type: id },
    { column: 'stage', of: 'login', type: `${id} not null default 'complete'` },
    { column: 'factor', of: 'login', type: id },
    { column: 'proved_at', of: 'login', type: time },
    { index: 'login_cookie_digest', unique: true, on: 'login (cookie_digest)' },
    { column: 'requires_second_factor', of: 'user_group', type: `${flag} not null default 0` },
    { column: 'proof_minutes', of: 'target', type: integer },
    {
      table: 'second_factor',
      body: `id ${id} not null primary key, user_id ${id} not null, kind ${id} not null check (kind in ('totp', 'passkey')), name ${text} not null,
        created_at ${time} not null, confirmed_at ${time}, last_used_at ${time}, key_id ${text}, seed ${binary}, last_step ${time} not null,
        credential_key ${key}, credential_id ${text}, public_key ${binary}, counter ${time} not null, transports ${text} not null,
        check ((kind = 'totp') = (seed is not null) and (kind = 'totp') = (key_id is not null)),
        check ((kind = 'passkey') = (credential_key is not null) and (kind = 'passkey') = (public_key is not null)),
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'second_factor_by_user', on: 'second_factor (user_id)' },
    { index: 'second_factor_credential', unique: true, on: 'second_factor (credential_key)' },
    {
      table: 'recovery_code',
      body: `digest ${id} not null primary key, user_id ${id} not null, created_at ${time} not null,
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'recovery_code_by_user', on: 'recovery_code (user_id)' },
    {
      table: 'challenge',
      body: `digest ${id} not null primary key, purpose ${id} not null, user_id ${id}, expires_at ${time} not null`,
    },
    { index: 'challenge_by_expires', on: 'challenge (expires_at)' },
  ],
};
