import type { HostKeyRepository } from '@enchilada/core/store';
import type { HostKey, HostKeyState } from '@enchilada/core/target';
import type { HostKeyRow } from '../schema.ts';
import { insertOnce, raiseCounter, toBuffer, toBytes, type Sql } from '../sql.ts';

function toHostKey({ targetId, keyType, fingerprint, keyBytes, state, pinnedAt, pinnedBy }: HostKeyRow): HostKey {
  return { targetId, keyType, key: toBytes(keyBytes), fingerprint, state: state as HostKeyState, pinnedAt, pinnedBy };
}

function toRow({ targetId, keyType, key, fingerprint, state, pinnedAt, pinnedBy }: HostKey): HostKeyRow {
  return { targetId, keyType, fingerprint, keyBytes: toBuffer(key), state, pinnedAt, pinnedBy };
}

export function hostKeyRepository(sql: Sql): HostKeyRepository {
  const { db, traits, atomic } = sql;
  return {
    async listOf(target) {
      const rows = await db
        .selectFrom('hostKey')
        .selectAll()
        .where('targetId', '=', target)
        .orderBy('pinnedAt')
        .orderBy('fingerprint')
        .execute();
      return rows.map(toHostKey);
    },
    pinFirst: (key) =>
      atomic(async (tx) => {
        await raiseCounter(sql, tx, 'host-key');
        const pinned = await tx
          .selectFrom('hostKey')
          .select('fingerprint')
          .where('targetId', '=', key.targetId)
          .where('state', '=', 'pinned')
          .limit(1)
          .executeTakeFirst();
        return pinned === undefined && insertOnce(traits, tx.insertInto('hostKey').values(toRow(key)));
      }),
    insert: (key) =>
      atomic(async (tx) => {
        await raiseCounter(sql, tx, 'host-key');
        await tx.insertInto('hostKey').values(toRow(key)).execute();
      }),
    async revoke(target, fingerprint) {
      await db
        .updateTable('hostKey')
        .set({ state: 'revoked' })
        .where('targetId', '=', target)
        .where('fingerprint', '=', fingerprint)
        .execute();
    },
    async delete(target, fingerprint) {
      await db.deleteFrom('hostKey').where('targetId', '=', target).where('fingerprint', '=', fingerprint).execute();
    },
  };
}
