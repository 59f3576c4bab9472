import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CSRF_HEADER } from '@enchilada/contract';
import { Fault } from '@enchilada/core/fault';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { uploadOf } from './upload.ts';

export interface PassedRequest {
  readonly sessionId: string;
  readonly identity: VerifiedIdentity;
  readonly address: string;
  readonly method: string;
  /** With its query, as it was asked for. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined;
}

/** Between the nodes, for requests about a session that only its holder can answer. */
export interface SessionHolders {
  /** Asks the node that holds the session. @throws Fault SESSION_ELSEWHERE */
  passOn(request: PassedRequest): Promise<IncomingMessage>;
  /** Who asked the other node. @throws Fault UNAUTHENTICATED */
  accept(token: string, sessionId: string): Promise<{ readonly identity: VerifiedIdentity; readonly address: string }>;
}

const PEER = /^Peer (?<token>[A-Za-z0-9_.-]+)$/u;
/** What an answer says about its body, and what a refusal adds. */
const ANSWERED = ['content-type', 'content-length', 'content-disposition', 'retry-after'] as const;

export function peerToken(authorization: string | undefined): string | undefined {
  return PEER.exec(authorization ?? '')?.groups?.['token'];
}

/** The session that a route with `atHolder` is about. */
export function sessionIdOf(request: FastifyRequest): string {
  const { id } = request.params as { readonly id?: unknown };
  if (typeof id !== 'string') throw new Fault('INTERNAL', 'a route of sessions names none');
  return id;
}

/** Answers as the node that holds the session does. */
export async function answerFromHolder(
  request: FastifyRequest,
  reply: FastifyReply,
  holders: SessionHolders,
): Promise<FastifyReply> {
  const { identity } = request;
  if (identity === undefined) throw new Fault('UNAUTHENTICATED', 'no valid login came with the request');
  const answer = await holders.passOn({
    sessionId: sessionIdOf(request),
    identity,
    address: request.clientAddress,
    method: request.method,
    path: request.url,
    ...contentOf(request),
  });
  for (const name of ANSWERED) {
    const value = answer.headers[name];
    if (value !== undefined) reply.header(name, value);
  }
  return reply.code(answer.statusCode ?? 502).send(answer.statusCode === 204 ? undefined : answer);
}

function contentOf({ headers, body }: FastifyRequest): Pick<PassedRequest, 'headers' | 'body'> {
  const proof = textOf(headers, CSRF_HEADER);
  if (body === undefined || body === null) return { headers: proof, body: undefined };
  const type = textOf(headers, 'content-type');
  if (body instanceof Readable)
    return {
      headers: { ...proof, ...type, ...textOf(headers, 'content-length') },
      body: uploadOf({ body }),
    };
  const bytes = Buffer.from(JSON.stringify(body));
  return { headers: { ...proof, ...type, 'content-length': String(bytes.length) }, body: [bytes] };
}

function textOf(headers: IncomingHttpHeaders, name: string): Record<string, string> {
  const value = headers[name];
  return typeof value === 'string' ? { [name]: value } : {};
}
