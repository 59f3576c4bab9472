import type { Secret } from '@enchilada/core/credential';
import type { Store } from '@enchilada/core/store';
import { CompiledQuery, PostgresDialect, type Dialect } from 'kysely';
import pg from 'pg';
import { checkedDialect } from '../shared/driver-checks.ts';
import {
  CONNECT_TIMEOUT_MS,
  DEFAULT_POOL_SIZE,
  LONGEST_QUEUE_MS,
  parseServerUrl,
  URGENT_POOL_SIZE,
} from '../shared/server-address.ts';
import { SqlStore } from '../shared/sql-store.ts';
import type { SqlFailure, SqlTraits } from '../shared/sql-traits.ts';
import { POSTGRES_SCHEME, type PostgresConfig } from './postgres-config.ts';

const STATEMENT_TIMEOUT_MS = 30_000;
/** The advisory lock of migrations; any number, the same for ever. */
const MIGRATION_LOCK = 0x656e6368;

export function postgres(config: PostgresConfig): Store {
  const { migrationUrl, onMigrationStep } = config;
  return new SqlStore({
    traits,
    dialect: dialectOf(config.url, config),
    urgentDialect: dialectOf(config.url, { ...config, poolSize: URGENT_POOL_SIZE }),
    ...(migrationUrl === undefined ? {} : { migrationDialect: () => dialectOf(migrationUrl, config) }),
    ...(onMigrationStep === undefined ? {} : { onMigrationStep }),
  });
}

function dialectOf(url: Secret, config: PostgresConfig): Dialect {
  const { host, port, user, password, database, tls } = parseServerUrl(url, POSTGRES_SCHEME, config);
  const pool = new pg.Pool({
    ...{ host, port, user, password, database },
    ssl:
      tls === 'none'
        ? false
        : { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(config.ca === undefined ? {} : { ca: config.ca }) },
    max: config.poolSize ?? DEFAULT_POOL_SIZE,
    Client: QuickClient,
    connectionTimeoutMillis: LONGEST_QUEUE_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'enchilada',
    types: { getTypeParser: typeParser },
  });
  // An idle connection that dies is replaced by the pool; the next statement tells whether the server is gone.
  pool.on('error', () => undefined);
  // The pool does not listen while a connection is lent out: an error between two statements would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return checkedDialect(new PostgresDialect({ pool }), {
    isConnectTimeout: (error) => error instanceof Error && error.message === 'timeout expired',
  });
}

/** The pool has one time for two things: the wait for a connection that others use, and the making of one. */
class QuickClient extends pg.Client {
  constructor(config: pg.ClientConfig = {}) {
    // Not a copy: the pool hides the password from those that list the properties.
    super(Object.create(config, { connectionTimeoutMillis: { value: CONNECT_TIMEOUT_MS } }) as pg.ClientConfig);
  }
}

/** INVARIANT: every bigint of the schema is a time, a counter or a size below 2^53. */
const typeParser = (oid: TypeId, format?: 'text' | 'binary'): ((value: string) => unknown) =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-return -- the library types its parsers as any
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);
type TypeId = Parameters<typeof pg.types.getTypeParser>[0];

/** https://www.postgresql.org/docs/15/errcodes-appendix.html */
function classify(error: unknown): SqlFailure {
  if (!(error instanceof Error)) return 'other';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case '23505':
      return 'unique';
    case '23503':
    case '23001':
      return 'reference';
    case '22001':
      return 'too-long';
    case '40001':
    case '40P01':
      return 'retry';
    case '42P07':
    case '42701':
    case '42710':
      return 'already-there';
    case '42501':
      return 'not-permitted';
    case '25006':
    case '28000':
    case '28P01':
    case '3D000':
      return 'unavailable';
  }
  if (error.message === 'The server does not support SSL connections') return 'no-tls';
  // 08 connection, 53 resources (disk full), 57 operator intervention, 58 system error.
  if (
    /^(?:08|53|57|58)/u.test(code) ||
    /^E[A-Z]{3,}$|^(?:CERT|ERR_TLS|ERR_SSL|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/u.test(code)
  )
    return 'unavailable';
  if (
    /connection terminated|connection ended|timeout|not queryable|server closed|end on the pool/iu.test(error.message)
  )
    return 'unavailable';
  return 'other';
}

const traits: SqlTraits = {
  columns: {
    id: 'varchar(64) collate "C"',
    key: 'varchar(190) collate "C"',
    text: 'text collate "C"',
    time: 'bigint',
    integer: 'integer',
    flag: 'smallint',
    binary: 'bytea',
  },
  tableOptions: '',
  indexIfNotExists: true,
  conflictClause: true,
  clock: 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)',
  statementsOf: ({ name, table, on, when, message }) => [
    `create or replace function ${name}() returns trigger language plpgsql as $$ begin raise exception '${message}'; end $$`,
    `create or replace trigger ${name} before ${on} on ${table} for each row ${when === undefined ? '' : `when (${when}) `}execute function ${name}()`,
    ...(on === 'delete'
      ? [
          `create or replace trigger ${name}_all before truncate on ${table} for each statement execute function ${name}()`,
        ]
      : []),
  ],
  classify,
  async migrating(db, work) {
    await db.executeQuery(CompiledQuery.raw('begin'));
    try {
      await db.executeQuery(CompiledQuery.raw(`set local statement_timeout = 0`));
      await db.executeQuery(CompiledQuery.raw(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`));
      await work();
      await db.executeQuery(CompiledQuery.raw('commit'));
    } catch (error) {
      // A connection that is gone has rolled back; the first failure is the one to tell.
      await db.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined);
      throw error;
    }
  },
};
