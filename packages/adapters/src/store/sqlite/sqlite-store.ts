import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { CompiledQuery } from 'kysely';
import { checkedDialect } from '../shared/driver-checks.ts';
import { SqlStore } from '../shared/sql-store.ts';
import type { SqlFailure, SqlTraits } from '../shared/sql-traits.ts';
import type { SqliteConfig } from './sqlite-config.ts';
import { threadedDialect } from './sqlite-dialect.ts';
import { ThreadedDatabase } from './threaded-database.ts';

export interface EmbeddedStore extends Store {
  /** A consistent copy of the database as it is now, made between the statements of others. @throws Fault STORE_UNAVAILABLE */
  copyTo(file: string): Promise<void>;
}

/** One connection in WAL mode: readers never block, writers queue here, and each commit is on the disk when it returns. */
export function sqlite({ file, onMigrationStep }: SqliteConfig): EmbeddedStore {
  let database: ThreadedDatabase | undefined;
  const dialect = threadedDialect(async () => {
    const opened = new ThreadedDatabase();
    try {
      await opened.open(file);
    } catch (failure) {
      await opened.close();
      throw failure;
    }
    return (database = opened);
  });
  const store = new SqlStore({
    traits,
    dialect: checkedDialect(dialect, { begin: 'begin immediate', mayRollBack: () => database?.inTransaction ?? false }),
    ...(onMigrationStep === undefined ? {} : { onMigrationStep }),
  });
  return Object.assign(store, {
    async copyTo(path: string): Promise<void> {
      try {
        if (database === undefined) throw new Error('The database connection is not open');
        await database.copyTo(path);
      } catch (cause) {
        throw new Fault('STORE_UNAVAILABLE', `the database cannot be copied to ${path}`, { cause });
      }
    },
  });
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

const UNAVAILABLE =
  /^(?:SQLITE_(?:READONLY|FULL|IOERR|CANTOPEN|CORRUPT|NOTADB|NOMEM|PERM)|EACCES|EPERM|EROFS|ENOSPC|ENOENT|EISDIR|ENOTDIR|EMFILE)/u;

function classify(error: unknown): SqlFailure {
  const code = codeOf(error);
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') return 'unique';
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return 'reference';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'busy';
  if (UNAVAILABLE.test(code)) return 'unavailable';
  if (error instanceof Error && error.message === 'The database connection is not open') return 'unavailable';
  if (code === 'SQLITE_ERROR' && error instanceof Error && error.message.startsWith('duplicate column name'))
    return 'already-there';
  return 'other';
}

const traits: SqlTraits = {
  columns: {
    id: 'text',
    key: 'text',
    text: 'text',
    time: 'integer',
    integer: 'integer',
    flag: 'integer',
    binary: 'blob',
  },
  tableOptions: ' strict',
  indexIfNotExists: true,
  conflictClause: true,
  clock: "cast(unixepoch('subsec') * 1000 as integer)",
  statementsOf: ({ name, table, on, when, message }) => [
    `create trigger if not exists ${name} before ${on} on ${table} ${when === undefined ? '' : `when ${when} `}begin select raise(abort, '${message}'); end`,
  ],
  classify,
  async migrating(db, work) {
    await db.executeQuery(CompiledQuery.raw('begin immediate'));
    try {
      await work();
      await db.executeQuery(CompiledQuery.raw('commit'));
    } catch (error) {
      // A connection that is gone has rolled back; the first failure is the one to tell.
      await db.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined);
      throw error;
    }
  },
};
