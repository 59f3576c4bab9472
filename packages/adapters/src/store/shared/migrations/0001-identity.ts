import type { Migration } from '../migration.ts';

export const identity: Migration = {
  name: '0001-identity',
  steps: ({ id, key, text, time, integer, flag, binary }) => [
    {
      table: 'user_account',
      body: `id ${id} not null primary key, username ${text} not null, username_key ${key} not null, display_name ${text} not null,
        role ${id} not null check (role in ('user', 'auditor', 'administrator')), password_hash ${text}, break_glass ${flag} not null check (break_glass in (0, 1)),
        disabled_at ${time}, created_at ${time} not null, last_login_at ${time}, preferences ${text} not null, version ${integer} not null`,
    },
    { index: 'user_account_username_key', unique: true, on: 'user_account (username_key)' },
    {
      table: 'user_group',
      body: `id ${id} not null primary key, name ${text} not null, name_key ${key} not null, description ${text} not null, created_at ${time} not null`,
    },
    { index: 'user_group_name_key', unique: true, on: 'user_group (name_key)' },
    {
      table: 'group_member',
      body: `group_id ${id} not null, user_id ${id} not null, primary key (group_id, user_id),
        foreign key (group_id) references user_group (id) on delete cascade, foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'group_member_by_user', on: 'group_member (user_id)' },
    {
      table: 'login',
      body: `digest ${id} not null primary key, user_id ${id} not null, method ${id} not null, created_at ${time} not null, last_seen_at ${time} not null,
        expires_at ${time} not null, address ${text} not null, user_agent ${text} not null, sealed_password ${binary},
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'login_by_user', on: 'login (user_id)' },
    { index: 'login_by_expires', on: 'login (expires_at)' },
    {
      table: 'bootstrap',
      body: `id ${integer} not null primary key check (id = 1), digest ${id} not null, expires_at ${time} not null`,
    },
    {
      table: 'throttle',
      body: `key_digest ${id} not null primary key, window_started_at ${time} not null, attempts ${integer} not null`,
    },
    { index: 'throttle_by_window', on: 'throttle (window_started_at)' },
    { table: 'counter', body: `name ${id} not null primary key, value ${time} not null` },
    { table: 'setting', body: `name ${key} not null primary key, value ${text} not null` },
  ],
};
