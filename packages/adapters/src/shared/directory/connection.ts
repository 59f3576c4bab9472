import { isIP } from 'node:net';
import { Fault } from '@enchilada/core/fault';
import { Client, type Entry } from 'ldapts';
import type { Directory } from './server-fields.ts';

const TIMEOUT_MS = 8_000;
const CONNECT_MS = 4_000;

/**
 * Work on a connection to the first server that answers, in order; over TLS with a verified name alone. Referrals are not followed.
 * @param unreached what is thrown where none answers; what the work itself throws stays as it is
 */
export async function connected<T>(
  place: Directory,
  work: (client: Client) => Promise<T>,
  unreached: (cause: unknown) => Fault,
): Promise<T> {
  let failure: unknown;
  for (const server of place.servers) {
    let client: Client;
    try {
      client = await connect(server, place);
    } catch (cause) {
      failure = cause;
      continue;
    }
    try {
      return await work(client);
    } catch (cause) {
      // The library dials with the first request. Nothing was asked of a server that was never reached.
      if (!isUnreached(cause)) throw cause;
      failure = cause;
    } finally {
      // It says goodbye and closes the socket; the work is done, or its failure told.
      await client.unbind().catch(() => undefined);
    }
  }
  throw unreached(failure);
}

async function connect(server: URL, { serverName, authorities }: Directory): Promise<Client> {
  const host = server.hostname.replaceAll(/[[\]]/gu, '');
  const name = serverName ?? host;
  // The name is checked against the certificate whether the socket is ours or the library's.
  const tlsOptions = {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2' as const,
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
  };
  const isImplicit = server.protocol === 'ldaps:';
  const client = new Client({
    url: `${server.protocol}//${server.host}`,
    timeout: TIMEOUT_MS,
    connectTimeout: CONNECT_MS,
    ...(isImplicit ? { tlsOptions: { ...tlsOptions, host } } : {}),
  });
  try {
    if (!isImplicit) await client.startTLS(tlsOptions);
  } catch (cause) {
    // It says goodbye and closes the socket; the work is done, or its failure told.
    await client.unbind().catch(() => undefined);
    throw cause;
  }
  return client;
}

const UNREACHED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT']);

/** Whether no connection came about, so that the next server may be asked the same. */
function isUnreached(failure: unknown): boolean {
  const cause = failure instanceof Fault ? failure.cause : failure;
  if (cause instanceof AggregateError) return cause.errors.every(isUnreached);
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && UNREACHED.has(cause.code);
}

/** What a directory says of a failure, as one clause. */
export function wordsOf(cause: unknown): string {
  const words = cause instanceof Error ? cause.message : 'no answer';
  return words.replaceAll(/\p{C}/gu, ' ').slice(0, 200);
}

/** The first value; empty where there is none. Names of attributes are compared without regard to case (RFC 4512 section 2.5). */
export function valueOf(entry: Entry, attribute: string): string {
  return valuesOf(entry, attribute)[0] ?? '';
}

export function valuesOf(entry: Entry, attribute: string): readonly string[] {
  const key = Object.keys(entry).find((name) => name.toLowerCase() === attribute.toLowerCase());
  const values = key === undefined ? [] : [entry[key] ?? []].flat();
  return values.map((value) => (Buffer.isBuffer(value) ? value.toString('utf8') : value));
}
