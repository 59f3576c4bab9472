import type { SecretStoreRecord } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { SecretStoreRepository } from '@enchilada/core/store';
import type { SecretStoreRow } from '../schema.ts';
import { nextVersion, nameKey, type Sql, toBuffer, toBytes } from '../sql.ts';

function toRecord(row: SecretStoreRow): SecretStoreRecord {
  const { id, kind, name, secretKeyId, secret, version, createdAt, updatedAt } = row;
  return {
    ...{ id, kind, name, version, createdAt, updatedAt },
    parameters: JSON.parse(row.parameters) as SecretStoreRecord['parameters'],
    secret: secretKeyId === null || secret === null ? undefined : { keyId: secretKeyId, bytes: toBytes(secret) },
  };
}

function toRow({
  id,
  kind,
  name,
  parameters,
  secret,
  version,
  createdAt,
  updatedAt,
}: SecretStoreRecord): SecretStoreRow {
  return {
    ...{ id, kind, name, version, createdAt, updatedAt },
    nameKey: nameKey(name),
    parameters: JSON.stringify(parameters),
    secretKeyId: secret?.keyId ?? null,
    secret: secret === undefined ? null : toBuffer(secret.bytes),
  };
}

export function secretStoreRepository({ db, atomic }: Sql): SecretStoreRepository {
  const find: SecretStoreRepository['find'] = async (id) => {
    const row = await db.selectFrom('secretStore').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toRecord(row);
  };
  return {
    find,
    async list() {
      const rows = await db.selectFrom('secretStore').selectAll().orderBy('nameKey').execute();
      const uses = await db
        .selectFrom('credential')
        .select((eb) => ['secretStoreId', eb.fn.countAll<number>().as('count')])
        .where('secretStoreId', 'is not', null)
        .groupBy('secretStoreId')
        .execute();
      const counts = new Map(uses.map(({ secretStoreId, count }) => [secretStoreId, Number(count)]));
      return rows.map((row) => ({ ...toRecord(row), credentials: counts.get(row.id) ?? 0 }));
    },
    async insert(store) {
      await db.insertInto('secretStore').values(toRow(store)).execute();
    },
    update: (store) =>
      nextVersion(store, {
        kind: 'secret store',
        find: () => find(store.id),
        update: (next) => {
          const { id, ...columns } = toRow(next);
          return db.updateTable('secretStore').set(columns).where('id', '=', id);
        },
      }),
    delete: (id) =>
      atomic(async (tx) => {
        const used = await tx.selectFrom('credential').select('id').where('secretStoreId', '=', id).executeTakeFirst();
        if (used !== undefined) throw new Fault('CONFLICT', 'a credential refers to the secret store');
        await tx.deleteFrom('secretStore').where('id', '=', id).execute();
      }),
  };
}
