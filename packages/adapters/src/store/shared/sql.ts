import { Fault } from '@enchilada/core/fault';
import {
  sql,
  type Expression,
  type InsertQueryBuilder,
  type InsertResult,
  type Kysely,
  type RawBuilder,
  type SqlBool,
  type UpdateQueryBuilder,
  type UpdateResult,
} from 'kysely';
import type { Schema } from './schema.ts';
import type { SqlTraits } from './sql-traits.ts';

/** What the repositories are written against: the store itself, or one transaction of it. */
export interface Sql {
  readonly db: Kysely<Schema>;
  readonly traits: SqlTraits;
  /** One transaction: the one that is open, or a short one of its own. */
  atomic<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
}

/** True when the row was not there before. Another failure than a taken key is thrown. */
export async function insertOnce<T extends keyof Schema>(
  traits: SqlTraits,
  insert: InsertQueryBuilder<Schema, T, InsertResult>,
): Promise<boolean> {
  if (traits.conflictClause) {
    const { numInsertedOrUpdatedRows } = await insert
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  }
  try {
    await insert.execute();
    return true;
  } catch (error) {
    if (traits.classify(error) === 'unique') return false;
    throw error;
  }
}

/** So many rows or values as one statement may name, below each database's limit on parameters. */
export function partsOf<T>(all: readonly T[], most = 200): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / most) }, (_, index) =>
    all.slice(index * most, (index + 1) * most),
  );
}

/**
 * The next value of a named counter. INVARIANT: the row stays locked until the transaction ends, so values become visible in their
 * order, and whoever reads after having raised the counter sees everything written under its earlier values.
 */
export async function raiseCounter({ traits }: Pick<Sql, 'traits'>, db: Kysely<Schema>, name: string): Promise<number> {
  const raise = () =>
    db
      .updateTable('counter')
      .set((eb) => ({ value: eb('value', '+', 1) }))
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
  if ((await raise()).numUpdatedRows === 0n) {
    await insertOnce(traits, db.insertInto('counter').values({ name, value: 0 }));
    await raise();
  }
  return readCounter(db, name);
}

export async function readCounter(db: Kysely<Schema>, name: string): Promise<number> {
  const row = await db.selectFrom('counter').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value ?? 0;
}

/** INVARIANT: whoever changes what the catalog's version stands for raises it first, and is thereby alone. */
export function raiseCatalogVersion(context: Pick<Sql, 'traits'>, db: Kysely<Schema>): Promise<number> {
  return raiseCounter(context, db, 'catalog');
}

export function clockOf(traits: SqlTraits): RawBuilder<number> {
  return sql<number>`${sql.raw(traits.clock)}`;
}

/** `text` anywhere in a column that holds `searchText(…)`. */
export function holdsText(column: string, text: string): Expression<SqlBool> {
  const pattern = `%${searchText(text).replaceAll(/[!%_]/gu, (sign) => `!${sign}`)}%`;
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '!'`;
}

function normalised(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

/** What to look a name up by that somebody typed; undefined where no row can have it. */
export function lookupKey(name: string): string | undefined {
  const key = normalised(name);
  return key === '' || key.length > MAX_KEY_LENGTH || key.includes('\0') ? undefined : key;
}

/** What names are compared by. @throws Fault INVALID_REQUEST */
export function nameKey(name: string): string {
  const key = normalised(name);
  if (key === '') throw new Fault('INVALID_REQUEST', 'a name must not be empty');
  if (key.length > MAX_KEY_LENGTH)
    throw new Fault('INVALID_REQUEST', `a name has at most ${MAX_KEY_LENGTH} characters, received ${key.length}`);
  return key;
}

export const MAX_KEY_LENGTH = 190;

export function searchText(...parts: readonly (string | undefined)[]): string {
  return storable(
    parts
      .filter((part) => part !== undefined)
      .join('\n')
      .normalize('NFKC')
      .toLowerCase(),
  );
}

/** Untrusted text for a column that is only searched: without NUL, and well-formed. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\u2400').replaceAll(/\p{Surrogate}/gu, '\ufffd');
}

export function changedOne(result: { readonly numUpdatedRows: bigint }): boolean {
  return result.numUpdatedRows === 1n;
}

/** Writes the next version of something where nobody has written one in between. @throws Fault CONFLICT, NOT_FOUND */
export async function nextVersion<R extends { readonly version: number }, T extends keyof Schema>(
  before: R,
  {
    kind,
    update,
    find,
  }: {
    readonly kind: string;
    /** Of the one row that has its key. */
    readonly update: (next: R) => UpdateQueryBuilder<Schema, T, T, UpdateResult>;
    readonly find: () => Promise<unknown>;
  },
): Promise<R> {
  const next = { ...before, version: before.version + 1 };
  const seen = update(next).where(sql<SqlBool>`${sql.ref('version')} = ${before.version}`);
  if (!changedOne(await seen.executeTakeFirstOrThrow())) throw movedOn(kind, (await find()) !== undefined);
  return next;
}

/** Why a versioned update found no row. */
export function movedOn(kind: string, there: boolean): Fault {
  return there
    ? new Fault('CONFLICT', `the ${kind} was changed by someone else in the meantime`)
    : new Fault('NOT_FOUND', `there is no such ${kind}`);
}

export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function toBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
