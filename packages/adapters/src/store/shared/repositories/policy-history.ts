import { Fault } from '@enchilada/core/fault';
import type { PolicyHistoryRepository, PolicyKind, PolicyStates } from '@enchilada/core/store';
import { BEGINNING, notedBodies } from '../policy-history.ts';
import type { Sql } from '../sql.ts';

export function policyHistoryRepository({ db }: Sql): PolicyHistoryRepository {
  async function knownSince(): Promise<number> {
    const row = await db.selectFrom('policyHistory').select('at').where('kind', '=', BEGINNING).executeTakeFirst();
    if (row === undefined) throw new Fault('INTERNAL', 'the history of access has no beginning: migrate the database');
    return row.at;
  }
  return {
    knownSince,
    async versionAt(time) {
      if (time < (await knownSince())) return undefined;
      const row = await db
        .selectFrom('policyHistory')
        .select('version')
        .where('at', '<=', time)
        .orderBy('at', 'desc')
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.version;
    },
    async states<K extends PolicyKind>(kind: K, version: number, ids?: readonly string[]) {
      const bodies = await notedBodies(db, kind, { version, ...(ids === undefined ? {} : { ids }) });
      return new Map([...bodies].map(([id, body]) => [id, JSON.parse(body) as PolicyStates[K]]));
    },
  };
}
