import { AsyncLocalStorage } from 'node:async_hooks';
import { Fault } from '@enchilada/core/fault';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import { CamelCasePlugin, Kysely, type Dialect } from 'kysely';
import { toStoreFault, withRetries } from './failures.ts';
import { runMigrations, type MigrationRun } from './migration.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { noteUnnoted } from './policy-history.ts';
import { repositoriesOf } from './repositories/index.ts';
import type { Schema } from './schema.ts';
import { clockOf, raiseCounter, type Sql } from './sql.ts';
import type { SqlTraits } from './sql-traits.ts';

export interface SqlStoreParts {
  readonly traits: SqlTraits;
  readonly dialect: Dialect;
  /** Connections of its own for what is urgent, where others queue for those of `dialect`. */
  readonly urgentDialect?: Dialect;
  /** A connection whose role may change the schema, where it is another one. */
  readonly migrationDialect?: () => Dialect;
  readonly onMigrationStep?: MigrationRun['onStep'];
}

/** The one implementation of `Store`; what differs between databases is in `SqlTraits` and the dialect. */
export class SqlStore implements Store {
  readonly #parts: SqlStoreParts;
  readonly #db: Kysely<Schema>;
  readonly #alone: Sql;
  readonly #now: StoreTransaction;
  readonly #urgentDb: Kysely<Schema>;
  readonly #urgent: StoreTransaction;
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>();

  constructor(parts: SqlStoreParts) {
    const { traits, dialect, urgentDialect } = parts;
    this.#parts = parts;
    const open = (by: Dialect) => new Kysely<Schema>({ dialect: by, plugins: [new CamelCasePlugin()] });
    const standing = (sql: Sql) => guarded(repositoriesOf(sql), (call) => withRetries(traits, call));
    this.#db = open(dialect);
    this.#alone = alone(this.#db, traits);
    this.#now = standing(this.#alone);
    this.#urgentDb = urgentDialect === undefined ? this.#db : open(urgentDialect);
    this.#urgent = urgentDialect === undefined ? this.#now : standing(alone(this.#urgentDb, traits));
  }

  /** INVARIANT: inside a transaction nobody reaches past it: on a database with one connection that would wait for ever. */
  get now(): StoreTransaction {
    this.#refuseInside();
    return this.#now;
  }

  get urgent(): StoreTransaction {
    this.#refuseInside();
    return this.#urgent;
  }

  async migrate(): Promise<void> {
    const { traits, migrationDialect, onMigrationStep } = this.#parts;
    const run = { migrations: MIGRATIONS, traits, onStep: onMigrationStep ?? (() => undefined) };
    const other = migrationDialect === undefined ? undefined : new Kysely<unknown>({ dialect: migrationDialect() });
    try {
      await withRetries(traits, () =>
        runMigrations(other ?? (this.#db.withoutPlugins() as unknown as Kysely<unknown>), run),
      );
    } finally {
      await other?.destroy();
    }
    await withRetries(traits, () => noteUnnoted(this.#alone));
  }

  async transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    this.#refuseInside();
    const { traits } = this.#parts;
    return withRetries(traits, () =>
      this.#db
        .transaction()
        .setIsolationLevel('serializable')
        .execute(async (db) => {
          const mark = { open: true };
          try {
            const repositories = repositoriesOf({ db, traits, atomic: (inner) => inner(db) });
            return await this.#inside.run(mark, () => work(guarded(repositories, (call) => named(traits, call))));
          } finally {
            mark.open = false;
          }
        }),
    );
  }

  async clock(): Promise<number> {
    const { traits } = this.#parts;
    const { clock } = await withRetries(traits, () =>
      this.#db.selectNoFrom(clockOf(traits).as('clock')).executeTakeFirstOrThrow(),
    );
    return Math.floor(clock);
  }

  async probe(): Promise<void> {
    const { traits } = this.#parts;
    try {
      await withRetries(traits, () =>
        this.#urgentDb.transaction().execute((db) => raiseCounter(this.#parts, db, 'probe')),
      );
    } catch (error) {
      throw error instanceof Fault && error.code === 'STORE_UNAVAILABLE'
        ? error
        : new Fault('STORE_UNAVAILABLE', 'the database does not take a write', { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...new Set([this.#db, this.#urgentDb])].map((db) => db.destroy()));
  }

  #refuseInside(): void {
    if (this.#inside.getStore()?.open === true)
      throw new Fault('INTERNAL', 'the store was used past the open transaction');
  }
}

/** Each call for itself. Not every database's default: under a snapshot, a count taken behind a second lock does not see what was written under the first. */
function alone(db: Kysely<Schema>, traits: SqlTraits): Sql {
  return { db, traits, atomic: (work) => db.transaction().setIsolationLevel('read committed').execute(work) };
}

async function named<T>(traits: SqlTraits, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toStoreFault(error, traits);
  }
}

type Run = <T>(call: () => Promise<T>) => Promise<T>;

/** Every method of every repository through `run`. */
function guarded(repositories: StoreTransaction, run: Run): StoreTransaction {
  const wrapped = Object.entries(repositories).map(([name, repository]) => {
    const methods = Object.entries(repository as Record<string, (...parameters: unknown[]) => Promise<unknown>>);
    return [
      name,
      Object.fromEntries(
        methods.map(([method, call]) => [method, (...parameters: unknown[]) => run(() => call(...parameters))]),
      ),
    ];
  });
  const all: unknown = Object.fromEntries(wrapped);
  return all as StoreTransaction;
}
