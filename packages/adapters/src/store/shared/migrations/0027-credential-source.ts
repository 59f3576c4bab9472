import type { Migration } from '../migration.ts';

export const credentialSource: Migration = {
  name: '0027-credential-source',
  steps: ({ id, key, text, time, integer, binary }) => [
    { column: 'terms', of: 'credential', type: text },
    { column: 'secret_store_id', of: 'credential', type: id },
    { column: 'reference', of: 'credential', type: text },
    { column: 'username', of: 'target', type: text },
    { column: 'attributes', of: 'external_identity', type: text },
    {
      table: 'authority_key',
      body: `id ${id} not null primary key, state ${id} not null check (state in ('next', 'current', 'previous')), public_key ${text} not null,
        fingerprint ${key} not null, key_id ${text} not null, wrapped_key ${binary} not null, nonce ${binary} not null, ciphertext ${binary} not null,
        created_at ${time} not null`,
    },
    { index: 'authority_key_state', unique: true, on: 'authority_key (state)' },
    {
      table: 'secret_store',
      body: `id ${id} not null primary key, kind ${id} not null, name ${text} not null, name_key ${key} not null, parameters ${text} not null,
        secret_key_id ${text}, secret ${binary}, version ${integer} not null, created_at ${time} not null, updated_at ${time} not null,
        check ((secret is null) = (secret_key_id is null))`,
    },
    { index: 'secret_store_name_key', unique: true, on: 'secret_store (name_key)' },
  ],
};
