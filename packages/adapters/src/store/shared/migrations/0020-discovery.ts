import type { Migration } from '../migration.ts';

export const discovery: Migration = {
  name: '0020-discovery',
  steps: ({ id, key, text, time, integer, flag }) => [
    { column: 'gone_at', of: 'target', type: time },
    {
      table: 'discovery_source',
      body: `id ${id} not null primary key, kind ${id} not null, name ${text} not null, name_key ${key} not null, parameters ${text} not null,
        protected_tags ${text} not null, enabled ${flag} not null, version ${integer} not null, created_at ${time} not null, updated_at ${time} not null`,
    },
    { index: 'discovery_source_name_key', unique: true, on: 'discovery_source (name_key)' },
    {
      table: 'discovery_rules',
      body: `id ${integer} not null primary key, rules ${text} not null, version ${integer} not null`,
    },
    {
      table: 'discovery_scope',
      body: `source_id ${id} not null, account ${id} not null, region ${id} not null, account_name ${text} not null, lease_holder ${id},
        lease_until ${time} not null, last_event_at ${time}, last_sweep_at ${time}, stale_since ${time}, problem ${text}, held_since ${time},
        held ${text} not null, primary key (source_id, account, region),
        foreign key (source_id) references discovery_source (id) on delete cascade`,
    },
    {
      table: 'found_machine',
      body: `id ${id} not null primary key, source_id ${id} not null, account ${id} not null, region ${id} not null, native_id ${text} not null,
        native_key ${id} not null, facts ${text} not null, observed_at ${time} not null, missing_since ${time}, gone_at ${time}, target_id ${id},
        projected ${text}, omitted ${id}, trace ${text} not null, launched_by ${text}, first_seen_at ${time} not null,
        foreign key (source_id) references discovery_source (id) on delete cascade,
        foreign key (target_id) references target (id) on delete set null`,
    },
    { index: 'found_machine_identity', unique: true, on: 'found_machine (source_id, account, region, native_key)' },
    { index: 'found_machine_by_target', on: 'found_machine (target_id)' },
    { index: 'found_machine_by_gone', on: 'found_machine (gone_at)' },
    { table: 'discovery_event', body: `event_id ${key} not null primary key, noted_at ${time} not null` },
    { index: 'discovery_event_by_noted', on: 'discovery_event (noted_at)' },
    {
      table: 'discovery_change',
      body: `id ${id} not null primary key, at ${time} not null, source_id ${id} not null, account ${id} not null, region ${id} not null,
        native_id ${text} not null, name ${text} not null, kind ${id} not null, cause ${id} not null, target_id ${id}`,
    },
    { index: 'discovery_change_by_at', on: 'discovery_change (at, id)' },
    { index: 'discovery_change_by_source', on: 'discovery_change (source_id, at, id)' },
    { index: 'discovery_change_by_target', on: 'discovery_change (target_id, at, id)' },
  ],
};
