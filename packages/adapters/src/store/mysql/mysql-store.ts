import { isIP } from 'node:net';
import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { CompiledQuery, MysqlDialect, sql, type Dialect } from 'kysely';
import { createPool, type PoolOptions } from 'mysql2';
import { checkedDialect } from '../shared/driver-checks.ts';
import { CONNECT_TIMEOUT_MS, DEFAULT_POOL_SIZE, parseServerUrl, URGENT_POOL_SIZE } from '../shared/server-address.ts';
import { SqlStore } from '../shared/sql-store.ts';
import type { SqlFailure, SqlTraits } from '../shared/sql-traits.ts';
import { MYSQL_SCHEME, type MysqlConfig } from './mysql-config.ts';

const MIGRATION_WAIT_SECONDS = 120;
/**
 * INVARIANT: no ANSI_QUOTES and no NO_BACKSLASH_ESCAPES, whatever the server's default is: mysql2 escapes values on our side and takes
 * a backslash for an escape. Strict: a value that does not fit is refused and not cut.
 */
const SQL_MODE = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

/** MySQL 8 and MariaDB 10.11; the SQL stays in what both understand. */
export function mysql(config: MysqlConfig): Store {
  const { migrationUrl, onMigrationStep } = config;
  return new SqlStore({
    traits,
    dialect: dialectOf(config.url, config),
    urgentDialect: dialectOf(config.url, { ...config, poolSize: URGENT_POOL_SIZE }),
    ...(migrationUrl === undefined ? {} : { migrationDialect: () => dialectOf(migrationUrl, config) }),
    ...(onMigrationStep === undefined ? {} : { onMigrationStep }),
  });
}

function dialectOf(url: Secret, config: MysqlConfig): Dialect {
  const { host, port, user, password, database, tls } = parseServerUrl(url, MYSQL_SCHEME, config);
  // mysql2 3.24 checks the certificate of a server that is named by its address against `localhost`.
  if (tls === 'verified' && isIP(host) !== 0)
    throw new Fault(
      'CONFIGURATION_INVALID',
      `database.url must name the server by its host name for tls, received ${host}`,
    );
  const options: PoolOptions = {
    ...{ host, port, user, password, database },
    ...(tls === 'none'
      ? {}
      : {
          ssl: {
            rejectUnauthorized: true,
            verifyIdentity: true,
            minVersion: 'TLSv1.2',
            ...(config.ca === undefined ? {} : { ca: config.ca }),
          },
        }),
    connectionLimit: config.poolSize ?? DEFAULT_POOL_SIZE,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    stringifyObjects: true,
    multipleStatements: false,
    // The server may not ask for a file of ours.
    flags: ['-LOCAL_FILES'],
  };
  return checkedDialect(
    new MysqlDialect({
      pool: createPool(options),
      onCreateConnection: async (connection) => {
        await connection.executeQuery(CompiledQuery.raw(`set session sql_mode = '${SQL_MODE}'`));
      },
    }),
    { isConnectTimeout: (error) => error instanceof Error && error.message === 'connect ETIMEDOUT' },
  );
}

/** https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html */
function classify(error: unknown): SqlFailure {
  if (!(error instanceof Error)) return 'other';
  const { errno, code, fatal } = error as { errno?: unknown; code?: unknown; fatal?: unknown };
  switch (errno) {
    case 1062:
      return 'unique';
    case 1216:
    case 1217:
    case 1451:
    case 1452:
      return 'reference';
    case 1406:
      return 'too-long';
    // 1020 (record has changed since last read) is what MariaDB answers under innodb_snapshot_isolation.
    case 1020:
    case 1205:
    case 1213:
      return 'retry';
    case 1050:
    case 1060:
    case 1061:
    case 1359:
      return 'already-there';
    case 1142:
    case 1227:
    case 1419:
      return 'not-permitted';
    // Disk full, read-only, too many connections, access denied, unknown database, shutdown, killed.
    case 1021:
    case 1030:
    case 1114:
    case 1290:
    case 1792:
    case 1836:
    case 1040:
    case 1044:
    case 1045:
    case 1049:
    case 1053:
    case 1317:
    case 1927:
      return 'unavailable';
  }
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return 'no-tls';
  if (
    fatal === true ||
    (typeof code === 'string' &&
      /^(?:E[A-Z]{3,}$|PROTOCOL_|HANDSHAKE_|CERT|ERR_TLS|ERR_SSL|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/u.test(code) &&
      !code.startsWith('ER_'))
  ) {
    return 'unavailable';
  }
  return /closed state|pool is closed|connection lost/iu.test(error.message) ? 'unavailable' : 'other';
}

const traits: SqlTraits = {
  columns: {
    // utf8mb4 for ids too: comparing an ascii column with what somebody typed fails with "illegal mix of collations".
    id: 'varchar(64)',
    key: 'varchar(190)',
    text: 'longtext',
    time: 'bigint',
    integer: 'integer',
    flag: 'smallint',
    binary: 'longblob',
  },
  tableOptions: ' engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin',
  indexIfNotExists: false,
  conflictClause: false,
  clock: 'cast(unix_timestamp(now(3)) * 1000 as signed)',
  statementsOf: ({ name, table, on, when, message }) => {
    const refuse = `signal sqlstate '45000' set message_text = '${message}'`;
    return [
      `create trigger ${name} before ${on} on ${table} for each row ${when === undefined ? refuse : `begin if ${when} then ${refuse}; end if; end`}`,
    ];
  },
  classify,
  async migrating(db, work) {
    const lock = sql`concat('enchilada.', md5(database()))`;
    const { rows } = await sql<{
      got: number | null;
    }>`select get_lock(${lock}, ${MIGRATION_WAIT_SECONDS}) as got`.execute(db);
    if (rows.at(0)?.got !== 1)
      throw new Fault(
        'STORE_UNAVAILABLE',
        `another process has migrated the database for more than ${MIGRATION_WAIT_SECONDS} s`,
      );
    try {
      await work();
    } finally {
      // It ends with the connection too; a failure of the work is the one to tell.
      await sql`select release_lock(${lock})`.execute(db).catch(() => undefined);
    }
  },
};
