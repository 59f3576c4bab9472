import type { NodeRecord, NodeRepository } from '@enchilada/core/store';
import type { Schema } from '../schema.ts';
import { prepared } from '../prepared-query.ts';
import { clockOf, insertOnce, type Sql } from '../sql.ts';

function toRecord({ keyIds, ...node }: Schema['node']): NodeRecord {
  return { ...node, ...(keyIds === null ? {} : { keyIds: JSON.parse(keyIds) as readonly string[] }) };
}

function toText(keyIds: readonly string[] | undefined): string | null {
  return keyIds === undefined ? null : JSON.stringify(keyIds);
}

export function nodeRepository({ db, traits, atomic }: Sql): NodeRepository {
  const heartbeatAt = clockOf(traits);
  const beat = prepared(db, (id: string, startedAt: number) =>
    db.updateTable('node').set({ heartbeatAt }).where('id', '=', id).where('startedAt', '=', startedAt),
  );
  const silentFor = prepared(db, (ms: number) =>
    db
      .selectFrom('node')
      .selectAll()
      .where('heartbeatAt', '<', (eb) => eb(heartbeatAt, '-', ms))
      .orderBy('id'),
  );
  return {
    join: ({ id, url, version, startedAt, keyIds }) =>
      atomic(async (tx) => {
        const life = { url, version, startedAt, heartbeatAt, keyIds: toText(keyIds) };
        const replace = () => tx.updateTable('node').set(life).where('id', '=', id).executeTakeFirstOrThrow();
        if ((await replace()).numUpdatedRows === 1n) return;
        if (!(await insertOnce(traits, tx.insertInto('node').values({ id, ...life })))) await replace();
      }),
    joinIfAbsent: ({ id, url, version, startedAt, keyIds }) => {
      const life = { url, version, startedAt, heartbeatAt, keyIds: toText(keyIds) };
      return insertOnce(traits, db.insertInto('node').values({ id, ...life }));
    },
    async beat(id, startedAt) {
      return (await beat(id, startedAt)).numAffectedRows === 1n;
    },
    /** Whoever deletes the row, as it was seen, has declared the node lost. */
    async declareLost(silentMs) {
      const { rows: silent } = await silentFor(silentMs);
      const lost: NodeRecord[] = [];
      for (const node of silent) {
        const { numDeletedRows } = await db
          .deleteFrom('node')
          .where('id', '=', node.id)
          .where('startedAt', '=', node.startedAt)
          .where('heartbeatAt', '=', node.heartbeatAt)
          .executeTakeFirstOrThrow();
        if (numDeletedRows === 1n) lost.push(toRecord(node));
      }
      return lost;
    },
    async list() {
      return (await db.selectFrom('node').selectAll().orderBy('id').execute()).map(toRecord);
    },
    async delete(id) {
      await db.deleteFrom('node').where('id', '=', id).execute();
    },
  };
}
