import type { CertificateTerms, CredentialKind, CredentialRecord, SecretReference } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { CredentialRepository } from '@enchilada/core/store';
import type { CredentialRow } from '../schema.ts';
import { nextVersion, nameKey, toBuffer, toBytes, type Sql } from '../sql.ts';

function toCredential(row: CredentialRow): CredentialRecord {
  const { keyId, wrappedKey, nonce, ciphertext, sealedVersion } = row;
  const isSealed =
    keyId !== null && wrappedKey !== null && nonce !== null && ciphertext !== null && sealedVersion !== null;
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as CredentialKind,
    username: row.username,
    sealed: isSealed
      ? {
          keyId,
          version: sealedVersion,
          wrappedKey: toBytes(wrappedKey),
          nonce: toBytes(nonce),
          ciphertext: toBytes(ciphertext),
        }
      : undefined,
    publicFingerprint: row.publicFingerprint ?? undefined,
    ...(row.terms === null ? {} : { terms: JSON.parse(row.terms) as CertificateTerms }),
    ...(row.reference === null ? {} : { reference: JSON.parse(row.reference) as SecretReference }),
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function toRow(credential: CredentialRecord): CredentialRow {
  const { id, name, kind, username, sealed, publicFingerprint, terms, reference, version, createdAt, updatedAt } =
    credential;
  return {
    id,
    name,
    nameKey: nameKey(name),
    kind,
    username,
    keyId: sealed?.keyId ?? null,
    wrappedKey: sealed === undefined ? null : toBuffer(sealed.wrappedKey),
    nonce: sealed === undefined ? null : toBuffer(sealed.nonce),
    ciphertext: sealed === undefined ? null : toBuffer(sealed.ciphertext),
    sealedVersion: sealed?.version ?? null,
    publicFingerprint: publicFingerprint ?? null,
    terms: terms === undefined ? null : JSON.stringify(terms),
    secretStoreId: reference?.storeId ?? null,
    reference: reference === undefined ? null : JSON.stringify(reference),
    version,
    createdAt,
    updatedAt,
  };
}

export function credentialRepository({ db, traits }: Sql): CredentialRepository {
  const find: CredentialRepository['find'] = async (id) => {
    const row = await db.selectFrom('credential').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toCredential(row);
  };
  return {
    find,
    async insert(credential) {
      await db.insertInto('credential').values(toRow(credential)).execute();
    },
    async list() {
      const rows = await db
        .selectFrom('credential')
        .selectAll('credential')
        .select((eb) =>
          eb
            .selectFrom('target')
            .select((count) => count.fn.countAll<number>().as('count'))
            .whereRef('target.credentialId', '=', 'credential.id')
            .as('targets'),
        )
        .orderBy('nameKey')
        .execute();
      return rows.map((row) => ({ ...toCredential(row), targets: row.targets ?? 0 }));
    },
    update: (credential) =>
      nextVersion(credential, {
        kind: 'credential',
        find: () => find(credential.id),
        update: (next) => {
          const { id, ...columns } = toRow(next);
          return db.updateTable('credential').set(columns).where('id', '=', id);
        },
      }),
    async delete(id) {
      try {
        await db.deleteFrom('credential').where('id', '=', id).execute();
      } catch (cause) {
        if (traits.classify(cause) === 'reference')
          throw new Fault('CONFLICT', 'the credential is in use by a target', { cause });
        throw cause;
      }
    },
  };
}
