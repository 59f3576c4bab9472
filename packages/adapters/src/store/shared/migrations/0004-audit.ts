import type { Migration } from '../migration.ts';

export const audit: Migration = {
  name: '0004-audit',
  steps: ({ id, key, text, time }) => [
    {
      table: 'audit',
      body: `node ${id} not null, sequence ${time} not null, at ${time} not null, action ${id} not null, outcome ${id} not null,
        actor_id ${key} not null, actor_key ${key} not null, object_id ${key} not null, object_key ${key} not null, address ${id} not null,
        search_text ${text} not null, payload ${text} not null, previous ${id} not null, hash ${id} not null, primary key (node, sequence)`,
    },
    { index: 'audit_by_at', on: 'audit (at, node, sequence)' },
    { index: 'audit_by_action', on: 'audit (action, at)' },
    { index: 'audit_by_actor', on: 'audit (actor_id, at)' },
    { index: 'audit_by_object', on: 'audit (object_id, at)' },
    { rule: { name: 'audit_no_update', table: 'audit', on: 'update', message: 'the audit log is append-only' } },
    { rule: { name: 'audit_no_delete', table: 'audit', on: 'delete', message: 'the audit log is append-only' } },
  ],
};
