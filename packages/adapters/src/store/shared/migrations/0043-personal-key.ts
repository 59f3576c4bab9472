import type { Migration } from '../migration.ts';

/** SSH keys that the gateway made for people and uses for them. */
export const personalKey: Migration = {
  name: '0043-personal-key',
  steps: ({ id, text, time, binary }) => [
    {
      table: 'personal_key',
      body: `id ${id} not null primary key, user_id ${id} not null, name ${text} not null, public_key ${text} not null, fingerprint ${text} not null,
        key_id ${text} not null, wrapped_key ${binary} not null, nonce ${binary} not null, ciphertext ${binary} not null,
        created_at ${time} not null, last_used_at ${time}, foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'personal_key_by_user', on: 'personal_key (user_id)' },
  ],
};
