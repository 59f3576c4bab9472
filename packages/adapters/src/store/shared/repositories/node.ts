import type { NodeRepository } from '@enchilada/core/store';
import { clockOf, insertOnce, type Sql } from '../sql.ts';

export function nodeRepository({ db, traits, atomic }: Sql): NodeRepository {
  const heartbeatAt = clockOf(traits);
  return {
    join: ({ id, url, version, startedAt }) =>
      atomic(async (tx) => {
        const life = { url, version, startedAt, heartbeatAt };
        const replace = () => tx.updateTable('node').set(life).where('id', '=', id).executeTakeFirstOrThrow();
        if ((await replace()).numUpdatedRows === 1n) return;
        if (!(await insertOnce(traits, tx.insertInto('node').values({ id, ...life })))) await replace();
      }),
    joinIfAbsent: ({ id, url, version, startedAt }) =>
      insertOnce(traits, db.insertInto('node').values({ id, url, version, startedAt, heartbeatAt })),
    async beat(id, startedAt) {
      const { numUpdatedRows } = await db
        .updateTable('node')
        .set({ heartbeatAt })
        .where('id', '=', id)
        .where('startedAt', '=', startedAt)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
    /** Whoever deletes the row, as it was seen, has declared the node lost. */
    async declareLost(silentMs) {
      const silent = await db
        .selectFrom('node')
        .selectAll()
        .where('heartbeatAt', '<', (eb) => eb(heartbeatAt, '-', silentMs))
        .orderBy('id')
        .execute();
      const lost = [];
      for (const node of silent) {
        const { numDeletedRows } = await db
          .deleteFrom('node')
          .where('id', '=', node.id)
          .where('startedAt', '=', node.startedAt)
          .where('heartbeatAt', '=', node.heartbeatAt)
          .executeTakeFirstOrThrow();
        if (numDeletedRows === 1n) lost.push(node);
      }
      return lost;
    },
    async list() {
      return db.selectFrom('node').selectAll().orderBy('id').execute();
    },
    async delete(id) {
      await db.deleteFrom('node').where('id', '=', id).execute();
    },
  };
}
