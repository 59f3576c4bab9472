import { SUBPROTOCOL } from '@enchilada/contract';
import type { ServerFrame, TunnelKind } from '@enchilada/contract';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { CLOSE } from './data-socket.ts';

export interface PassOn {
  /** The other node's address for this socket. */
  readonly url: string;
  readonly token: string;
  readonly kind: TunnelKind;
  /** The certificate authority of the other nodes, where it is not a public one. */
  readonly ca?: string;
}

const CONNECT_MS = 5_000;
const PAUSE_ABOVE_BYTES = 1024 * 1024;
const RESUME_BELOW_BYTES = 256 * 1024;
const UNREACHED: ServerFrame = {
  type: 'ended',
  reason: 'SESSION_ELSEWHERE',
  fault: { code: 'SESSION_ELSEWHERE', facts: {} },
};

/** Joins a viewer's socket to the node that holds the session: messages pass unchanged, a slow side pauses the other. */
export function passOn(client: WebSocket, to: PassOn): void {
  const peer = new WebSocket(to.url, [SUBPROTOCOL], {
    headers: { authorization: `Peer ${to.token}` },
    perMessageDeflate: false,
    handshakeTimeout: CONNECT_MS,
    maxPayload: 64 * 1024 * 1024,
    ...(to.ca === undefined ? {} : { ca: to.ca }),
  });
  client.pause();
  const unreached = (): void => {
    // A close that is answered needs a socket that reads.
    client.resume();
    if (to.kind === 'control' && client.readyState === WebSocket.OPEN) client.send(JSON.stringify(UNREACHED));
    client.close(CLOSE.refused, 'SESSION_ELSEWHERE');
  };
  let isJoined = false;
  peer.once('open', () => {
    isJoined = true;
    client.resume();
    carry(client, peer);
    carry(peer, client);
  });
  // Covers a refused upgrade too: the library turns it into an error.
  peer.on('error', () => {
    if (isJoined) client.close(CLOSE.failed, 'SESSION_ELSEWHERE');
    else unreached();
  });
  const closeLike = (other: WebSocket) => (code: number, reason: Buffer) => {
    const sayable = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    if (other.readyState === WebSocket.CONNECTING) other.terminate();
    else other.close(sayable ? code : CLOSE.goingAway, reason.toString());
  };
  client.on('close', closeLike(peer));
  peer.on('close', closeLike(client));
}

function carry(from: WebSocket, to: WebSocket): void {
  const sent = (): void => {
    if (from.isPaused && to.bufferedAmount < RESUME_BELOW_BYTES) from.resume();
  };
  from.on('message', (message: RawData, isBinary: boolean) => {
    if (to.readyState !== WebSocket.OPEN) return;
    to.send(message as Buffer, { binary: isBinary }, sent);
    if (to.bufferedAmount > PAUSE_ABOVE_BYTES) from.pause();
  });
}
