import type { IncomingMessage, Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { SUBPROTOCOL, ticketOf, tunnelPath } from '@enchilada/contract';
import type { TunnelLocation } from '@enchilada/contract';
import type { Secret } from '@enchilada/core/credential';
import type { DisplaySize } from '@enchilada/core/engine';
import { Fault, toFault } from '@enchilada/core/fault';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { SessionBroker, ViewerWindow } from '@enchilada/core/session';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { carryControl } from './control-socket.ts';
import { carryData } from './data-socket.ts';
import { keepAlive } from './keep-alive.ts';
import { passOn } from './pass-on.ts';
import type { PeerCall, Peers } from './peers.ts';

/** Who knocks: the login behind the cookie of the upgrade request. */
export interface TunnelCaller {
  readonly identity: VerifiedIdentity;
  readonly address: string;
  readonly loginPassword: () => Promise<Secret | undefined>;
}

export interface TunnelOptions {
  readonly broker: SessionBroker;
  /** Exactly this `Origin` may open a socket, compared as text. */
  readonly origins: ReadonlySet<string>;
  /** Absent where there is one node. */
  readonly peers?: Peers;
  /** The certificate authority of the other nodes, where it is not a public one. */
  readonly peerCa?: string;
  authenticate(request: IncomingMessage): Promise<TunnelCaller | undefined>;
  /** For the log and the audit; the upgrade was answered already. */
  refused(request: IncomingMessage, fault: Fault): void;
  report(message: string, cause: unknown): void;
}

/** A terminal's input is small; a paste is cut by the browser side. */
const MAXIMUM_MESSAGE_BYTES = 64 * 1024;
const UPGRADE_MS = 10_000;
const MOST_PENDING_UPGRADES = 256;
/** Browsers come by the first path, other nodes by the second. */
const PATH =
  /^\/(?<way>api|peer)\/v1\/sessions\/(?<sessionId>[A-Za-z0-9_]{1,64})\/(?<kind>data|control)(?:\?(?<query>.*))?$/u;

const STATUS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
};

/**
 * Takes the upgrade requests of the server. Refusals happen before the WebSocket handshake is answered and open nothing (T01).
 * No compression, small messages, few fragments (T41).
 */
export function attachTunnel(server: Server | TlsServer, options: TunnelOptions): Disposable {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: MAXIMUM_MESSAGE_BYTES,
    maxFragments: 16,
    maxBufferedChunks: 1024,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  let pending = 0;

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', unheard);
    if (pending >= MOST_PENDING_UPGRADES) {
      refuse(socket, 503);
      return;
    }
    pending += 1;
    const deadline = setTimeout(() => socket.destroy(), UPGRADE_MS);
    upgrade(request, options)
      .then(
        (carry) => {
          sockets.handleUpgrade(request, socket, head, (client) => {
            keepAlive(client);
            carry(client);
          });
        },
        (failure: unknown) => {
          const fault = toFault(failure);
          if (fault.code === 'INTERNAL') options.report('an upgrade failed', failure);
          options.refused(request, fault);
          refuse(socket, statusOf(fault));
        },
      )
      .finally(() => {
        clearTimeout(deadline);
        pending -= 1;
      })
      .catch((cause: unknown) => {
        options.report('an upgrade failed', cause);
        socket.destroy();
      });
  };
  server.on('upgrade', onUpgrade);

  return {
    [Symbol.dispose]: () => {
      server.off('upgrade', onUpgrade);
      for (const client of sockets.clients) client.close(1001, 'the node is shutting down');
      sockets.close();
    },
  };
}

/** Not written within `onUpgrade`: its scope, and with it the request's 2 KiB, would stay as long as the socket. */
function unheard(): void {
  // The end of the socket says it.
}

type Carry = (client: WebSocket) => void;

/** All checks of one upgrade; answers what to do with the open socket. @throws Fault */
async function upgrade(request: IncomingMessage, options: TunnelOptions): Promise<Carry> {
  const location = locate(request);
  if (location.way === 'peer') return serve(location, await callOfPeer(request, options), options);
  const origins = request.headersDistinct['origin'] ?? [];
  const [origin] = origins;
  if (origins.length !== 1 || origin === undefined || !options.origins.has(origin)) {
    throw new Fault('ORIGIN_REFUSED', `a WebSocket from origin ${JSON.stringify(origin ?? null)} is not accepted`);
  }
  const ticket = ticketOf(request.headers['sec-websocket-protocol']);
  if (ticket === undefined) throw new Fault('TICKET_REFUSED', 'the request offers no ticket');
  const caller = await options.authenticate(request);
  if (caller === undefined) throw new Fault('UNAUTHENTICATED', 'the request carries no valid login');
  const { broker, peers } = options;
  const { sessionId, kind } = location;
  const redeemed = await broker.redeem(ticket, { kind, sessionId, identity: caller.identity });
  const holder = await broker.holder(sessionId);
  if (holder === undefined || holder === broker.nodeId) return serve(location, { redeemed, kind, caller }, options);
  if (peers === undefined) throw new Fault('SESSION_ELSEWHERE', `node ${holder} holds the session`);
  const path = tunnelPath(location, location.display, location.window).replace(/^\/api/u, '/peer');
  const url = (await peers.urlOf(holder)).replace(/^http/u, 'ws') + path;
  const token = await peers.token(holder, { redeemed, kind, caller });
  return (client) => {
    passOn(client, { url, token, kind, ...(options.peerCa === undefined ? {} : { ca: options.peerCa }) });
  };
}

async function callOfPeer(request: IncomingMessage, { peers }: TunnelOptions): Promise<PeerCall> {
  const token = /^Peer (?<token>[A-Za-z0-9_.-]+)$/u.exec(request.headers.authorization ?? '')?.groups?.['token'];
  if (peers === undefined || token === undefined)
    throw new Fault('UNAUTHENTICATED', 'the request is not of another node');
  return peers.accept(token);
}

function serve(location: Location, call: PeerCall, options: TunnelOptions): Carry {
  const { broker, report } = options;
  const { redeemed, caller } = call;
  if (call.kind !== location.kind || redeemed.sessionId !== location.sessionId)
    throw new Fault('TICKET_REFUSED', 'the token is for another socket');
  if (location.kind === 'data') {
    return (client) => {
      carryData(client, { broker, redeemed });
    };
  }
  const parts = {
    broker,
    redeemed,
    caller,
    display: location.display,
    window: location.window,
    report: (cause: unknown) => report('a viewer could not be served', cause),
  };
  return (client) => {
    carryControl(client, parts);
  };
}

interface Location extends TunnelLocation {
  readonly way: 'api' | 'peer';
  readonly display: DisplaySize;
  readonly window: ViewerWindow | undefined;
}

function locate(request: IncomingMessage): Location {
  const groups = PATH.exec(request.url ?? '')?.groups;
  if (groups?.['sessionId'] === undefined) throw new Fault('NOT_FOUND', 'no WebSocket lives at this path');
  const query = new URLSearchParams(groups['query'] ?? '');
  const size = (name: string, otherwise: number): number => {
    const value = Number(query.get(name) ?? otherwise);
    return Number.isInteger(value) && value >= 1 && value <= 1_000 ? value : otherwise;
  };
  const id = query.get('window') ?? '';
  return {
    way: groups['way'] === 'peer' ? 'peer' : 'api',
    sessionId: groups['sessionId'],
    kind: groups['kind'] === 'data' ? 'data' : 'control',
    display: { columns: size('columns', 80), rows: size('rows', 24) },
    window: /^[a-z0-9]{8,64}$/u.test(id) ? { id, returns: query.get('returns') === '1' } : undefined,
  };
}

function statusOf(fault: Fault): number {
  switch (fault.code) {
    case 'UNAUTHENTICATED':
      return 401;
    case 'NOT_FOUND':
    case 'SESSION_ENDED':
      return 404;
    case 'NODE_DRAINING':
    case 'STORE_UNAVAILABLE':
    case 'SESSION_ELSEWHERE':
    case 'INTERNAL':
      return 503;
    default:
      return 403;
  }
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS[status] ?? 'Forbidden'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
