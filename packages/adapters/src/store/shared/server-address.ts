import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { MigrationRun } from './migration.ts';

/** What a database that is a server of its own takes from the configuration. */
export interface ServerConfig {
  /** `scheme://user:password@host:port/database` */
  readonly url: Secret;
  /** The same database under a role that may change the schema. */
  readonly migrationUrl?: Secret;
  /** Lets the connection to another machine go without TLS. */
  readonly allowPlaintext?: boolean;
  /** PEM certificates to trust instead of the system's; also turns TLS on for a server on this machine. */
  readonly ca?: string;
  /** Connections at once; 10 unless told. */
  readonly poolSize?: number;
  readonly onMigrationStep?: MigrationRun['onStep'];
}

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: 'verified' | 'none';
}

export interface ServerScheme {
  readonly schemes: readonly string[];
  readonly defaultPort: number;
}

export const DEFAULT_POOL_SIZE = 10;
/** Besides those: one for signs of life while another one takes rights away. */
export const URGENT_POOL_SIZE = 2;
export const CONNECT_TIMEOUT_MS = 5_000;
/** As long as a proxy before the gateway usually waits for its answer: a crowd that asks at once waits for its turn, and is not told of an outage. */
export const LONGEST_QUEUE_MS = 60_000;

/** @throws Fault CONFIGURATION_INVALID */
export function parseServerUrl(secret: Secret, scheme: ServerScheme, config: ServerConfig): ServerAddress {
  const url = URL.parse(secret.reveal());
  if (url === null || !scheme.schemes.includes(url.protocol)) {
    throw new Fault(
      'CONFIGURATION_INVALID',
      `database.url must look like ${scheme.schemes.at(0) ?? ''}//user:password@host/database`,
    );
  }
  const parameter = url.searchParams.keys().next().value;
  // A driver would take `sslmode=no-verify` from here, past every named option.
  if (parameter !== undefined)
    throw new Fault('CONFIGURATION_INVALID', `database.url takes no parameters, received ${parameter}`);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '' || url.hostname === '')
    throw new Fault('CONFIGURATION_INVALID', 'database.url must name a host and a database');
  const host = url.hostname.replace(/^\[|\]$/gu, '');
  return {
    host,
    port: url.port === '' ? scheme.defaultPort : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    tls: config.ca !== undefined || (!isLoopback(host) && config.allowPlaintext !== true) ? 'verified' : 'none',
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(host);
}
