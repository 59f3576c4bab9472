import { Fault } from '@enchilada/core/fault';
import { performance as nodePerformance } from 'node:perf_hooks';
import { CompiledQuery, type DatabaseConnection, type Dialect } from 'kysely';
import { LONGEST_QUEUE_MS } from './server-address.ts';

/** The share of a time in which the event loop had something else to do. */
const MOSTLY = 0.5;

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
  /** Whether this is the driver's failure to make a connection within its limit of time. */
  readonly isConnectTimeout?: (error: unknown) => boolean;
}

/**
 * The drivers measure by the clock how long a server takes to greet. Where a crowd kept this process itself from listening for most
 * of that time, that says nothing of the server: nothing was sent but the greeting, and it is asked again.
 */
async function whenHeard<T>(acquire: () => Promise<T>, isConnectTimeout: (error: unknown) => boolean): Promise<T> {
  const until = performance.now() + LONGEST_QUEUE_MS;
  for (;;) {
    const since = nodePerformance.eventLoopUtilization();
    try {
      return await acquire();
    } catch (error) {
      const busy = nodePerformance.eventLoopUtilization(since).utilization > MOSTLY;
      if (!busy || !isConnectTimeout(error) || performance.now() > until) throw error;
    }
  }
}

export function checkedDialect(
  dialect: Dialect,
  { begin, mayRollBack, isConnectTimeout = () => false }: DriverRefinement = {},
): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createDriver() {
      const driver = dialect.createDriver();
      const seen = new WeakSet<DatabaseConnection>();
      const acquire = driver.acquireConnection.bind(driver);
      driver.acquireConnection = async (options) => {
        const connection = await whenHeard(() => acquire(options), isConnectTimeout);
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
