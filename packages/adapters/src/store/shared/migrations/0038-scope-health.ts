import type { Migration } from '../migration.ts';

/** Scopes that their source no longer lists, how late events come, and what is wrong with a source as a whole. */
export const scopeHealth: Migration = {
  name: '0038-scope-health',
  steps: ({ id, text, time }) => [
    { column: 'retired_at', of: 'discovery_scope', type: time },
    { column: 'event_lag_ms', of: 'discovery_scope', type: time },
    { column: 'unannounced_at', of: 'discovery_scope', type: time },
    {
      table: 'discovery_trouble',
      body: `source_id ${id} not null, part ${id} not null, account ${id} not null, since ${time} not null, seen_at ${time} not null,
        problem ${text} not null, primary key (source_id, part, account),
        foreign key (source_id) references discovery_source (id) on delete cascade`,
    },
  ],
};
