import type { AuditRecord } from '@enchilada/core/audit';
import { canonicalJson, type JsonObject } from '@enchilada/core/recording';
import type { AuditRepository } from '@enchilada/core/store';
import { Cursor, pageSize } from '../page.ts';
import type { AuditRow } from '../schema.ts';
import { holdsText, MAX_KEY_LENGTH, partsOf, searchText, storable, type Sql } from '../sql.ts';

const ORDERS = {
  newest: new Cursor(['at', 'node', 'sequence'], 'desc'),
  oldest: new Cursor(['at', 'node', 'sequence'], 'asc'),
};
/** Below the smallest limit on the parameters of one statement. */
const ROWS_PER_STATEMENT = 100;

/** INVARIANT: what is hashed is stored whole in `payload`; the columns beside it may be cut, because nobody reads them back. */
function toRow({ previous, hash, ...rest }: AuditRecord): AuditRow {
  const { actor, object, detail } = rest;
  const details = Object.entries(detail ?? {}).map(([name, value]) => `${name}=${value}`);
  return {
    node: rest.node,
    sequence: rest.sequence,
    at: rest.at,
    action: rest.action,
    outcome: rest.outcome,
    actorId: actor.kind === 'user' ? indexed(actor.id) : '',
    actorKey: indexed(searchText(actor.name)),
    objectId: indexed(object?.id ?? ''),
    objectKey: indexed(searchText(object?.name)),
    address: storable(rest.address ?? '').slice(0, 64),
    searchText: searchText(
      rest.action,
      actor.name,
      rest.address,
      object?.kind,
      object?.id,
      object?.name,
      rest.reason,
      ...details,
    ),
    payload: canonicalJson(rest as unknown as JsonObject),
    previous,
    hash,
  };
}

function indexed(text: string): string {
  return storable(text.slice(0, MAX_KEY_LENGTH));
}

function toRecord({ payload, previous, hash }: Pick<AuditRow, 'payload' | 'previous' | 'hash'>): AuditRecord {
  return { ...(JSON.parse(payload) as Omit<AuditRecord, 'previous' | 'hash'>), previous, hash };
}

export function auditRepository({ db, atomic }: Sql): AuditRepository {
  return {
    async append(record) {
      await db.insertInto('audit').values(toRow(record)).execute();
    },
    appendAll: (records) =>
      atomic(async (tx) => {
        for (const part of partsOf(records, ROWS_PER_STATEMENT))
          await tx.insertInto('audit').values(part.map(toRow)).execute();
      }),
    async last(node) {
      const row = await db
        .selectFrom('audit')
        .select(['payload', 'previous', 'hash'])
        .where('node', '=', node)
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row && toRecord(row);
    },
    async list(query) {
      const order = query.order ?? 'newest';
      const behind = ORDERS[order].condition(query);
      const { action, actor, object, outcome, address, text, from, to } = query;
      let select = db.selectFrom('audit').select(['payload', 'previous', 'hash']);
      if (action !== undefined) select = select.where('action', '=', action);
      if (outcome !== undefined) select = select.where('outcome', '=', outcome);
      if (address !== undefined) select = select.where('address', '=', storable(address));
      if (actor !== undefined)
        select = select.where((eb) =>
          eb.or([eb('actorId', '=', indexed(actor)), eb('actorKey', '=', indexed(searchText(actor)))]),
        );
      if (object !== undefined)
        select = select.where((eb) =>
          eb.or([eb('objectId', '=', indexed(object)), eb('objectKey', '=', indexed(searchText(object)))]),
        );
      if (text !== undefined && text !== '') select = select.where(holdsText('searchText', text));
      if (from !== undefined) select = select.where('at', '>=', from);
      if (to !== undefined) select = select.where('at', '<', to);
      if (behind !== undefined) select = select.where(behind);
      const direction = order === 'newest' ? 'desc' : 'asc';
      const rows = await select
        .orderBy('at', direction)
        .orderBy('node', direction)
        .orderBy('sequence', direction)
        .limit(pageSize(query) + 1)
        .execute();
      return ORDERS[order].page(rows.map(toRecord), query, {
        position: (record) => [record.at, record.node, record.sequence],
        item: (record) => record,
      });
    },
    async nodes() {
      return (await db.selectFrom('audit').select('node').distinct().orderBy('node').execute()).map((row) => row.node);
    },
    async chain(node, after, limit) {
      const rows = await db
        .selectFrom('audit')
        .select(['payload', 'previous', 'hash'])
        .where('node', '=', node)
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(pageSize({ limit }))
        .execute();
      return rows.map(toRecord);
    },
  };
}
