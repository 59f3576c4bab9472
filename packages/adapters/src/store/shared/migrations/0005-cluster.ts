import type { Migration } from '../migration.ts';

export const cluster: Migration = {
  name: '0005-cluster',
  steps: ({ id, text, time }) => [
    {
      table: 'node',
      body: `id ${id} not null primary key, url ${text} not null, version ${id} not null, started_at ${time} not null, heartbeat_at ${time} not null`,
    },
    {
      table: 'command',
      body: `sequence ${time} not null primary key, posted_at ${time} not null, body ${text} not null`,
    },
    { index: 'command_by_posted', on: 'command (posted_at)' },
  ],
};
