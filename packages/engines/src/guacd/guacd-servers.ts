import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Fault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';

/** One guacd of the installation. */
export interface GuacdServer {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly weight: number;
}

const DEFAULT_PORT = 4822;
const CONNECT_MS = 5_000;

/** `tls://guacd-1.example.net:4822 weight=3, tcp://localhost`. @throws Fault CONFIGURATION_INVALID */
export function parseServers(text: string | undefined): readonly GuacdServer[] {
  const items = (text ?? '').split(',').map((item) => item.trim());
  return items
    .filter((item) => item !== '')
    .map((item) => {
      const [address = '', option, ...more] = item.split(/\s+/u);
      const url = URL.parse(address);
      const weight = option === undefined ? 1 : Number(/^weight=(\d{1,4})$/u.exec(option)?.[1] ?? Number.NaN);
      if (
        url === null ||
        (url.protocol !== 'tcp:' && url.protocol !== 'tls:') ||
        url.hostname === '' ||
        url.pathname.length > 1 ||
        Number.isNaN(weight) ||
        more.length > 0
      )
        throw new Fault(
          'CONFIGURATION_INVALID',
          `guacd.servers must be addresses like tls://guacd.example.net:4822 weight=2, received ${item.slice(0, 100)}`,
          { facts: { key: 'guacd.servers' } },
        );
      const tls = url.protocol === 'tls:';
      const host = url.hostname.replaceAll(/[[\]]/gu, '');
      if (!tls && !/^(?:localhost|127\.[\d.]+|::1)$/u.test(host))
        throw new Fault(
          'CONFIGURATION_INVALID',
          `guacd.servers: ${host} is not this machine, and passwords go to it; use tls://`,
          { facts: { key: 'guacd.servers' } },
        );
      return { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port), tls, weight };
    });
}

/** In the order in which they are tried: by chance, by weight. */
export function inTurn(servers: readonly GuacdServer[], random: RandomSource): readonly GuacdServer[] {
  const left = [...servers];
  const order: GuacdServer[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const [high = 0, low = 0] = random.bytes(2);
    let at = ((high * 256 + low) / 65_536) * total;
    const index = Math.max(
      0,
      left.findIndex(({ weight }) => (at -= weight) < 0),
    );
    order.push(...left.splice(index, 1));
  }
  return order;
}

export function connectServer(server: GuacdServer, authorities: string | undefined): Promise<Socket> {
  const { host, port, tls } = server;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket: Socket = tls
    ? connectTls(
        {
          ...{ host, port, minVersion: 'TLSv1.2' as const },
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...(authorities === undefined ? {} : { ca: authorities }),
        },
        () => resolve(socket),
      )
    : connectTcp({ host, port, noDelay: true }, () => resolve(socket));
  socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no answer')));
  socket.once('error', (cause: NodeJS.ErrnoException) =>
    reject(
      new Fault('TARGET_DISCONNECTED', `guacd at ${host}:${port} cannot be reached: ${cause.code ?? cause.message}`, {
        cause,
      }),
    ),
  );
  return promise.then((connected) => {
    connected.setTimeout(0);
    connected.removeAllListeners('error');
    // Its `close` follows and says what is to be said; without a listener an error would end the process.
    connected.on('error', () => undefined);
    return connected;
  });
}

/** The first that answers. @throws Fault of the last one */
export async function connectAny(
  servers: readonly GuacdServer[],
  authorities: string | undefined,
): Promise<{ readonly server: GuacdServer; readonly socket: Socket }> {
  let last: unknown = new Fault('CONFIGURATION_INVALID', 'no guacd is configured: guacd.servers is empty', {
    facts: { key: 'guacd.servers' },
  });
  for (const server of servers) {
    try {
      return { server, socket: await connectServer(server, authorities) };
    } catch (failure) {
      last = failure;
    }
  }
  throw last;
}

/** By name, `guacd` or, of several, `guacd-1` and so on in their order; each rejects while that one does not answer. */
export function probesOf(
  servers: readonly GuacdServer[],
  authorities: string | undefined,
): Readonly<Record<string, () => Promise<void>>> {
  const probe = async (server: GuacdServer): Promise<void> => {
    (await connectServer(server, authorities)).destroy();
  };
  const nameOf = (index: number): string => (servers.length === 1 ? 'guacd' : `guacd-${index + 1}`);
  return Object.fromEntries(servers.map((server, index) => [nameOf(index), () => probe(server)]));
}
