import type { Migration } from '../migration.ts';

/** What follows from what identity providers wrote, so that what one node wrote and did not finish is finished by another. */
export const settlement: Migration = {
  name: '0034-settlement',
  steps: ({ id, text, time, flag }) => [
    {
      // Without a reference to the provider: what was written is audited also where the provider is gone.
      table: 'settlement',
      body: `id ${id} not null primary key, due_at ${time} not null, told ${flag} not null, body ${text} not null`,
    },
    { index: 'settlement_by_due', on: 'settlement (due_at)' },
  ],
};
