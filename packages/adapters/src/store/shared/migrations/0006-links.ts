import type { Migration } from '../migration.ts';

/** One-time links. `bootstrap` of 0001 held one link for all nodes and is no longer used. */
export const links: Migration = {
  name: '0006-links',
  steps: ({ id, key, time }) => [
    {
      table: 'bootstrap_link',
      body: `node_id ${key} not null primary key, digest ${id} not null, expires_at ${time} not null`,
    },
    { index: 'bootstrap_link_digest', unique: true, on: 'bootstrap_link (digest)' },
    {
      table: 'recovery_link',
      body: `user_id ${id} not null primary key, digest ${id} not null, issued_at ${time} not null, expires_at ${time} not null,
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'recovery_link_digest', unique: true, on: 'recovery_link (digest)' },
  ],
};
