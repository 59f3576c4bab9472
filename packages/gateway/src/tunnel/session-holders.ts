import { request as plainRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Fault } from '@enchilada/core/fault';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { PassedRequest, SessionHolders } from '../http/holder-door.ts';
import type { Peers } from './peers.ts';

export interface SessionHoldersParts {
  readonly peers: Peers;
  /** The certificate authority of the other nodes, where it is not a public one. */
  readonly ca: string | undefined;
  readonly holder: (sessionId: string) => Promise<string | undefined>;
}

const CONNECT_MS = 5_000;

/** Requests about a session go to the node that holds it, under the token that joins sockets to it too. */
export function sessionHolders({ peers, ca, holder }: SessionHoldersParts): SessionHolders {
  return {
    async passOn({ identity, address, ...request }) {
      const nodeId = await holder(request.sessionId);
      if (nodeId === undefined) throw new Fault('SESSION_ELSEWHERE', 'no node holds the session');
      const url = await peers.urlOf(nodeId);
      const token = await peers.token(nodeId, {
        redeemed: { sessionId: request.sessionId, viewerId: '', mode: 'control' },
        kind: 'request',
        caller: { identity, address, loginPassword: () => Promise.resolve(undefined) },
      });
      return answerOf(request, { url, token, ca });
    },
    async accept(token, sessionId) {
      const { kind, redeemed, caller } = await peers.accept(token);
      if (kind !== 'request' || redeemed.sessionId !== sessionId)
        throw new Fault('UNAUTHENTICATED', 'the token of the other node is for something else');
      return { identity: caller.identity, address: caller.address };
    },
  };
}

interface Way {
  readonly url: string;
  readonly token: string;
  readonly ca: string | undefined;
}

/** Resolves with the other node's answer, whose body is still to be read. @throws Fault SESSION_ELSEWHERE where none came */
async function answerOf(
  { method, path, headers, body }: Omit<PassedRequest, keyof { identity: VerifiedIdentity; address: string }>,
  { url, token, ca }: Way,
): Promise<IncomingMessage> {
  const call: ClientRequest = (url.startsWith('https:') ? tlsRequest : plainRequest)(`${url}${path}`, {
    method,
    agent: false,
    headers: { ...headers, authorization: `Peer ${token}` },
    ...(ca === undefined ? {} : { ca }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  call.once('response', resolve);
  call.on('error', (cause) =>
    reject(new Fault('SESSION_ELSEWHERE', 'the node of the session was not reached', { cause })),
  );
  const late = setTimeout(() => call.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
  call.once('socket', (socket) => {
    socket.once(url.startsWith('https:') ? 'secureConnect' : 'connect', () => clearTimeout(late));
  });
  call.once('close', () => clearTimeout(late));
  if (body === undefined) call.end();
  // What breaks off on the way in breaks off there too.
  else pipeline(Readable.from(body, { objectMode: false }), call).catch(() => undefined);
  return promise;
}
