import type { NodeRepository } from '@enchilada/core/store';
import { clockOf, insertOnce, type Sql } from '../sql.ts';

export function nodeRepository({ db, traits }: Sql): NodeRepository {
  return {
    async beat({ id, url, version, startedAt }) {
      const heartbeatAt = clockOf(traits);
      const refresh = db.updateTable('node').set({ url, version, startedAt, heartbeatAt }).where('id', '=', id);
      if ((await refresh.executeTakeFirstOrThrow()).numUpdatedRows === 1n) return;
      await insertOnce(traits, db.insertInto('node').values({ id, url, version, startedAt, heartbeatAt }));
    },
    async list() {
      return db.selectFrom('node').selectAll().orderBy('id').execute();
    },
    async delete(id) {
      await db.deleteFrom('node').where('id', '=', id).execute();
    },
  };
}
