import type { Migration } from '../migration.ts';

export const apiToken: Migration = {
  name: '0012-api-token',
  steps: ({ id, text, time }) => [
    {
      table: 'api_token',
      body: `id ${id} not null primary key, digest ${id} not null, user_id ${id} not null, name ${text} not null, scope ${text} not null,
        created_at ${time} not null, expires_at ${time} not null, last_used_at ${time}, last_used_address ${text},
        foreign key (user_id) references user_account (id) on delete cascade`,
    },
    { index: 'api_token_digest', unique: true, on: 'api_token (digest)' },
    { index: 'api_token_by_user', on: 'api_token (user_id)' },
  ],
};
