import { Fault } from '@enchilada/core/fault';
import { CompiledQuery, type DatabaseConnection, type Dialect } from 'kysely';

/**
 * Some databases keep a NUL in a text, others refuse it, and one of the drivers writes a plain object into the statement as SQL:
 * all of them refuse both, before anything is sent.
 */
function checkParameters(query: CompiledQuery): void {
  for (const parameter of query.parameters) {
    if (typeof parameter === 'string' && parameter.includes('\0'))
      throw new Fault('INVALID_REQUEST', 'a text must not hold a NUL character');
    const plain =
      parameter === null ||
      typeof parameter === 'string' ||
      typeof parameter === 'number' ||
      parameter instanceof Uint8Array;
    if (!plain)
      throw new Fault('INTERNAL', `a database parameter must be text, number or bytes, received ${typeof parameter}`);
  }
}

export interface DriverRefinement {
  /** Replaces the statement that begins a transaction. */
  readonly begin?: string;
  /** Whether there is still a transaction to roll back after a failure. */
  readonly mayRollBack?: () => boolean;
}

export function checkedDialect(dialect: Dialect, { begin, mayRollBack }: DriverRefinement = {}): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createDriver() {
      const driver = dialect.createDriver();
      const seen = new WeakSet<DatabaseConnection>();
      const acquire = driver.acquireConnection.bind(driver);
      driver.acquireConnection = async (options) => {
        const connection = await acquire(options);
        if (seen.has(connection)) return connection;
        seen.add(connection);
        const execute = connection.executeQuery.bind(connection);
        connection.executeQuery = async (query, ...rest) => {
          checkParameters(query);
          return execute(query, ...rest);
        };
        return connection;
      };
      if (begin !== undefined) {
        driver.beginTransaction = async (connection) => {
          await connection.executeQuery(CompiledQuery.raw(begin));
        };
      }
      const rollBack = driver.rollbackTransaction.bind(driver);
      driver.rollbackTransaction = async (connection) => {
        if (mayRollBack?.() ?? true) await rollBack(connection);
      };
      return driver;
    },
  };
}
