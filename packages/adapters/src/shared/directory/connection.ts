import { once } from 'node:events';
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Fault } from '@enchilada/core/fault';
import { Client, type Entry } from 'ldapts';
import type { Directory } from './server-fields.ts';

/** Until a server greets: little where another may be asked in its place, much where nobody else is left. */
const GREETING_MS = { another: 4_000, last: 20_000 };
const ANSWER_MS = 30_000;

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
    const patience = server === place.servers.at(-1) ? GREETING_MS.last : GREETING_MS.another;
    let connection: Connection;
    try {
      connection = await connect(server, place, patience);
    } catch (cause) {
      failure = cause;
      continue;
    }
    try {
      return await work(connection.client);
    } finally {
      leave(connection);
    }
  }
  throw unreached(failure);
}

interface Connection {
  readonly client: Client;
  /** Below TLS where that began by StartTLS. */
  readonly socket: Socket;
}

/** The library is given a socket that is connected: by itself it dials with the first request, and tells no failure of dialling from others. */
async function connect(server: URL, { serverName, authorities }: Directory, patience: number): Promise<Connection> {
  const host = server.hostname.replaceAll(/[[\]]/gu, '');
  const isImplicit = server.protocol === 'ldaps:';
  const port = server.port === '' ? (isImplicit ? 636 : 389) : Number(server.port);
  const name = serverName ?? host;
  // The name is checked against the certificate whether the socket is ours or the library's.
  const tlsOptions: ConnectionOptions = {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
  };
  const url = `${server.protocol}//${server.host}`;
  if (isImplicit) {
    const socket = await greeted(connectTls({ ...tlsOptions, host, port }), 'secureConnect', patience);
    const client = new Client({ url, timeout: ANSWER_MS, tlsOptions, createSecureConnection: () => open(socket) });
    return { client, socket };
  }
  const socket = await greeted(connectTcp({ host, port }), 'connect', patience);
  const client = new Client({
    url,
    timeout: ANSWER_MS,
    createConnection: () => open(socket),
    createSecureConnection: ((options: ConnectionOptions) => {
      const secured = connectTls(options);
      // The library hears of its end from the socket below alone, and waits for a handshake for ever.
      secured.once('close', () => socket.destroy());
      greeted(secured, 'secureConnect', patience).catch(() => undefined);
      return secured;
    }) as typeof connectTls,
  });
  const late = setTimeout(() => socket.destroy(), patience);
  try {
    await client.startTLS(tlsOptions);
    return { client, socket };
  } catch (cause) {
    leave({ client, socket });
    throw cause;
  } finally {
    clearTimeout(late);
  }
}

/** It says goodbye and closes the socket. Nobody waits; of a connection that was upgraded and is lost, the library does not learn that it is. */
function leave({ client, socket }: Connection): void {
  if (!socket.destroyed) client.unbind().catch(() => undefined);
}

function open<T extends Socket>(socket: T): T {
  if (socket.destroyed) throw new Error('the connection has been closed');
  return socket;
}

async function greeted<T extends Socket>(socket: T, event: 'connect' | 'secureConnect', patience: number): Promise<T> {
  // Until the library listens.
  socket.on('error', () => undefined);
  const timer = setTimeout(() => socket.destroy(new Error(`no greeting within ${patience / 1_000} s`)), patience);
  try {
    await once(socket, event);
    return socket;
  } finally {
    clearTimeout(timer);
  }
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
