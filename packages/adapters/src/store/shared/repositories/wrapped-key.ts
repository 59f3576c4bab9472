import { WRAPPED_KINDS, type WrappedKeyRepository, type WrappedKind, type WrappedRow } from '@enchilada/core/store';
import { sql } from 'kysely';
import type { Schema } from '../schema.ts';
import { type Sql, toBuffer, toBytes } from '../sql.ts';

interface Place {
  readonly table: keyof Schema;
  readonly keyId: string;
  readonly bytes: string;
  /** What the wrapping is bound to besides the id. */
  readonly userId?: string;
  readonly version?: string;
}

const PLACES: Readonly<Record<WrappedKind, Place>> = {
  credential: { table: 'credential', keyId: 'keyId', bytes: 'wrappedKey', version: 'sealedVersion' },
  'authority-key': { table: 'authorityKey', keyId: 'keyId', bytes: 'wrappedKey' },
  'secret-store': { table: 'secretStore', keyId: 'secretKeyId', bytes: 'secret' },
  'identity-provider': { table: 'identityProvider', keyId: 'secretKeyId', bytes: 'secret' },
  'notification-endpoint': { table: 'notificationEndpoint', keyId: 'secretKeyId', bytes: 'secret' },
  'second-factor': { table: 'secondFactor', keyId: 'keyId', bytes: 'seed', userId: 'userId' },
  'personal-key': { table: 'personalKey', keyId: 'keyId', bytes: 'wrappedKey' },
};

interface FoundRow {
  readonly id: string;
  readonly keyId: string;
  readonly bytes: Uint8Array;
  readonly userId: string | null;
  readonly version: number | null;
}

export function wrappedKeyRepository({ db }: Sql): WrappedKeyRepository {
  return {
    async count() {
      const counted = await Promise.all(
        WRAPPED_KINDS.map(async (kind) => {
          const { table, keyId } = PLACES[kind];
          const { rows } = await sql<{
            keyId: string;
            count: number;
          }>`select ${sql.ref(keyId)} as key_id, count(*) as count
            from ${sql.table(table)} where ${sql.ref(keyId)} is not null group by ${sql.ref(keyId)}`.execute(db);
          return rows.map((row) => ({ kind, keyId: row.keyId, count: Number(row.count) }));
        }),
      );
      return counted.flat();
    },

    async list(kind, { keyIds, after, limit }) {
      if (keyIds.length === 0) return [];
      const { table, keyId, bytes, userId, version } = PLACES[kind];
      const orNull = (column: string | undefined) => (column === undefined ? sql`null` : sql.ref(column));
      const { rows } = await sql<FoundRow>`select id, ${sql.ref(keyId)} as key_id, ${sql.ref(bytes)} as bytes,
        ${orNull(userId)} as user_id, ${orNull(version)} as version from ${sql.table(table)}
        where ${sql.ref(keyId)} in (${sql.join(keyIds)}) and ${sql.ref(bytes)} is not null and id > ${after}
        order by id limit ${sql.lit(limit)}`.execute(db);
      return rows.map((row): WrappedRow => ({
        kind,
        id: row.id,
        ...(row.userId === null ? {} : { userId: row.userId }),
        ...(row.version === null ? {} : { version: Number(row.version) }),
        wrapped: { keyId: row.keyId, bytes: toBytes(row.bytes) },
      }));
    },

    async replace({ kind, id, wrapped: before }, wrapped) {
      const { table, keyId, bytes } = PLACES[kind];
      const { numAffectedRows = 0n } = await sql`update ${sql.table(table)}
        set ${sql.ref(keyId)} = ${wrapped.keyId}, ${sql.ref(bytes)} = ${toBuffer(wrapped.bytes)}
        where id = ${id} and ${sql.ref(keyId)} = ${before.keyId} and ${sql.ref(bytes)} = ${toBuffer(before.bytes)}`.execute(
        db,
      );
      return numAffectedRows === 1n;
    },
  };
}
