import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import type { Logger } from 'pino';
import type { ListenPlan } from '../config/index.ts';

/** Waiting for a handshake, a header or a body costs these at most (T43). */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 5_000,
} as const;
const HANDSHAKE_MS = 10_000;
const MOST_CONNECTIONS = 20_000;
const MOST_PER_ADDRESS = 1_000;
const SETTLE_MS = 500;

export type AnyServer = Server | TlsServer;

export interface Listening extends AsyncDisposable {
  readonly servers: readonly AnyServer[];
  readonly port: number;
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws Fault CONFIGURATION_INVALID for a pair that cannot be read or does not belong together */
async function readPair(files: { readonly cert: string; readonly key: string }): Promise<Pair> {
  try {
    const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (cause) {
    throw new Fault(
      'CONFIGURATION_INVALID',
      `tls.cert ${files.cert} and tls.key ${files.key} cannot be used together: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Connections that nobody has vouched for yet: what carries a session is counted by the session limits, a whole office may sit behind one address. */
function limitPerAddress(server: AnyServer): void {
  const open = new Map<string, Set<number>>();
  const forget = ({ remoteAddress = '', remotePort = 0 }: Pick<Socket, 'remoteAddress' | 'remotePort'>): void => {
    const ports = open.get(remoteAddress);
    ports?.delete(remotePort);
    if (ports?.size === 0) open.delete(remoteAddress);
  };
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '', remotePort = 0 } = socket;
    const ports = open.get(remoteAddress) ?? new Set();
    open.set(remoteAddress, ports.add(remotePort));
    socket.once('close', () => {
      forget({ remoteAddress, remotePort });
    });
    if (ports.size > MOST_PER_ADDRESS) socket.destroy();
  });
  // The tunnel has limits of its own for upgrades that wait for their ticket to be looked at.
  server.on('upgrade', ({ socket }: IncomingMessage) => {
    forget(socket);
  });
}

function bind(server: AnyServer, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ipv6Only: address.includes(':') && address !== '::' }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

export interface ListenOptions {
  readonly plan: ListenPlan;
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Binds every address to one port and keeps the certificate fresh. */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  const { plan, clock, log } = options;
  const pair = plan.tls === undefined ? undefined : await readPair(plan.tls);
  const servers: AnyServer[] = [];
  let { port } = options;
  const open = async (address: string): Promise<void> => {
    const server =
      pair === undefined
        ? createPlainServer(LIMITS, handler)
        : createTlsServer({ ...LIMITS, ...pair, handshakeTimeout: HANDSHAKE_MS, minVersion: 'TLSv1.2' }, handler);
    limitPerAddress(server);
    port = await bind(server, address, port);
    servers.push(server);
  };
  try {
    for (const address of plan.addresses) await open(address);
  } catch (cause) {
    for (const server of servers) server.close();
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Fault(
      'CONFIGURATION_INVALID',
      `cannot listen on ${plan.addresses.join(', ')} port ${options.port}: ${code === 'EADDRINUSE' ? 'the port is taken' : message}`,
      { cause },
    );
  }
  // A machine without IPv6, or another program on that port of ::1: the IPv4 loopback serves alone.
  for (const address of plan.optional) await open(address).catch(() => undefined);
  const watching =
    plan.tls === undefined ? undefined : watchPair(plan.tls, { servers: servers as readonly TlsServer[], clock, log });
  return {
    servers,
    port,
    [Symbol.asyncDispose]: async () => {
      watching?.[Symbol.dispose]();
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => {
                resolve();
              });
              server.closeIdleConnections();
              clock.after(1_000, () => {
                server.closeAllConnections();
              });
            }),
        ),
      );
    },
  };
}

/** Takes a new pair for new connections once both files fit together; until then, and for ever otherwise, the old one serves. */
function watchPair(
  files: { readonly cert: string; readonly key: string },
  { servers, clock, log }: { readonly servers: readonly TlsServer[]; readonly clock: Clock; readonly log: Logger },
): Disposable {
  let pending: Disposable | undefined;
  let current = '';
  const reload = async (): Promise<void> => {
    try {
      const pair = await readPair(files);
      const next = `${pair.cert.toString('latin1')}${pair.key.toString('latin1')}`;
      if (next === current) return;
      current = next;
      for (const server of servers) server.setSecureContext(pair);
      log.info({ file: files.cert }, 'the certificate was read again');
    } catch (failure) {
      log.error({ err: failure, file: files.cert }, 'the new certificate cannot be used, the old one stays');
    }
  };
  // The folder is watched, not the file: certificates are replaced by rename or through a symbolic link to a folder.
  const names = new Set([basename(files.cert), basename(files.key), '..data']);
  const watchers = [...new Set([dirname(files.cert), dirname(files.key)])].map((folder) =>
    watch(folder, { persistent: false }, (_event, name) => {
      if (name !== null && !names.has(name)) return;
      pending?.[Symbol.dispose]();
      pending = clock.after(SETTLE_MS, () => void reload());
    }),
  );
  return {
    [Symbol.dispose]: () => {
      pending?.[Symbol.dispose]();
      for (const watcher of watchers) watcher.close();
    },
  };
}
