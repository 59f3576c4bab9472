import type { Migration } from '../migration.ts';

export const catalog: Migration = {
  name: '0002-catalog',
  steps: ({ id, key, text, time, integer, binary }) => [
    {
      table: 'credential',
      body: `id ${id} not null primary key, name ${text} not null, name_key ${key} not null, kind ${id} not null, username ${text} not null, key_id ${text},
        wrapped_key ${binary}, nonce ${binary}, ciphertext ${binary}, sealed_version ${integer}, public_fingerprint ${text}, version ${integer} not null,
        created_at ${time} not null, updated_at ${time} not null,
        check ((ciphertext is null) = (wrapped_key is null) and (ciphertext is null) = (nonce is null) and (ciphertext is null) = (sealed_version is null))`,
    },
    { index: 'credential_name_key', unique: true, on: 'credential (name_key)' },
    {
      table: 'target_group',
      body: `id ${id} not null primary key, parent_id ${id}, parent_key ${id} not null, name ${text} not null, name_key ${key} not null,
        foreign key (parent_id) references target_group (id)`,
    },
    { index: 'target_group_name_key', unique: true, on: 'target_group (parent_key, name_key)' },
    { index: 'target_group_by_parent', on: 'target_group (parent_id)' },
    {
      table: 'target',
      body: `id ${id} not null primary key, name ${text} not null, name_key ${key} not null, protocol ${id} not null, host ${text} not null,
        port ${integer} not null check (port between 0 and 65535), group_id ${id}, labels ${text} not null, description ${text} not null,
        parameters ${text} not null, credential_id ${id}, jump_target_id ${id}, host_key_policy ${id} not null, built_in ${text},
        version ${integer} not null, created_at ${time} not null, updated_at ${time} not null,
        foreign key (group_id) references target_group (id), foreign key (credential_id) references credential (id),
        foreign key (jump_target_id) references target (id)`,
    },
    { index: 'target_name_key', unique: true, on: 'target (name_key)' },
    { index: 'target_by_group', on: 'target (group_id)' },
    { index: 'target_by_credential', on: 'target (credential_id)' },
    { index: 'target_by_jump', on: 'target (jump_target_id)' },
    {
      table: 'access_grant',
      body: `id ${id} not null primary key, user_id ${id}, group_id ${id}, scope_kind ${id} not null, target_id ${id}, target_group_id ${id}, selector ${text},
        actions ${text} not null, created_at ${time} not null, created_by ${id} not null,
        check ((user_id is null) <> (group_id is null)),
        check ((scope_kind = 'target') = (target_id is not null) and (scope_kind = 'target-group') = (target_group_id is not null)
          and (scope_kind = 'labels') = (selector is not null)),
        foreign key (user_id) references user_account (id) on delete cascade, foreign key (group_id) references user_group (id) on delete cascade,
        foreign key (target_id) references target (id) on delete cascade, foreign key (target_group_id) references target_group (id) on delete cascade`,
    },
    { index: 'access_grant_by_user', on: 'access_grant (user_id)' },
    { index: 'access_grant_by_group', on: 'access_grant (group_id)' },
    { index: 'access_grant_by_target', on: 'access_grant (target_id)' },
    { index: 'access_grant_by_target_group', on: 'access_grant (target_group_id)' },
    {
      table: 'host_key',
      body: `target_id ${id} not null, key_type ${id} not null, fingerprint ${key} not null, key_bytes ${binary} not null,
        state ${id} not null check (state in ('pinned', 'revoked')), pinned_at ${time} not null, pinned_by ${id} not null,
        primary key (target_id, key_type, fingerprint), foreign key (target_id) references target (id) on delete cascade`,
    },
  ],
};
