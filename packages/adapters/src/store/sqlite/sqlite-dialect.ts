import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  CompiledQuery as Raw,
} from 'kysely';
import type { ThreadedDatabase } from './threaded-database.ts';

/** Kysely over the database's thread; `SqliteAdapter` says that there is one connection, so that transactions queue. */
export function threadedDialect(open: () => Promise<ThreadedDatabase>): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => new ThreadedDriver(open),
  };
}

class ThreadedDriver implements Driver {
  readonly #open: () => Promise<ThreadedDatabase>;
  #database: ThreadedDatabase | undefined;
  #connection: DatabaseConnection | undefined;

  constructor(open: () => Promise<ThreadedDatabase>) {
    this.#open = open;
  }

  async init(): Promise<void> {
    this.#database = await this.#open();
    this.#connection = new ThreadedConnection(this.#database);
  }

  acquireConnection(): Promise<DatabaseConnection> {
    if (this.#connection === undefined) return Promise.reject(new TypeError('The database connection is not open'));
    return Promise.resolve(this.#connection);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(Raw.raw('begin'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(Raw.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(Raw.raw('rollback'));
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    await this.#database?.close();
  }
}

class ThreadedConnection implements DatabaseConnection {
  readonly #database: ThreadedDatabase;

  constructor(database: ThreadedDatabase) {
    this.#database = database;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes, lastInsertRowid } = await this.#database.execute(sql, parameters);
    return {
      rows: rows as R[],
      ...(lastInsertRowid === undefined ? {} : { insertId: BigInt(lastInsertRowid) }),
      ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }),
    };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }
}
