import type { Migration } from '../migration.ts';

/** What identity providers write of their people and groups (SCIM 2.0). */
export const provisioning: Migration = {
  name: '0025-provisioning',
  steps: ({ id, key, text, time, integer, flag }) => [
    {
      table: 'provisioning_token',
      body: `provider_id ${id} not null primary key, digest ${id} not null, created_at ${time} not null, created_by ${id} not null,
        last_used_at ${time}, foreign key (provider_id) references identity_provider (id) on delete cascade`,
    },
    {
      // Of somebody who was deleted there, the name is free again.
      table: 'provisioned_user',
      body: `provider_id ${id} not null, user_id ${id} not null, user_name ${text} not null, user_name_key ${key}, external_id ${text},
        external_digest ${id}, resource ${text} not null, active ${flag} not null, deleted_at ${time}, version ${integer} not null,
        created_at ${time} not null, updated_at ${time} not null, primary key (provider_id, user_id),
        foreign key (provider_id) references identity_provider (id) on delete cascade,
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'provisioned_user_name', unique: true, on: 'provisioned_user (provider_id, user_name_key)' },
    { index: 'provisioned_user_by_external', on: 'provisioned_user (provider_id, external_digest)' },
    { index: 'provisioned_user_by_user', on: 'provisioned_user (user_id)' },
    {
      table: 'provisioned_group',
      body: `id ${id} not null primary key, provider_id ${id} not null, display_name ${text} not null, name_digest ${id} not null,
        external_id ${text}, external_digest ${id}, resource ${text} not null, version ${integer} not null, created_at ${time} not null,
        updated_at ${time} not null, foreign key (provider_id) references identity_provider (id) on delete cascade`,
    },
    { index: 'provisioned_group_by_name', on: 'provisioned_group (provider_id, name_digest)' },
    { index: 'provisioned_group_by_external', on: 'provisioned_group (provider_id, external_digest)' },
    {
      table: 'provisioned_member',
      body: `group_id ${id} not null, user_id ${id} not null, primary key (group_id, user_id),
        foreign key (group_id) references provisioned_group (id) on delete cascade,
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'provisioned_member_by_user', on: 'provisioned_member (user_id)' },
  ],
};
