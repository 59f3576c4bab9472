import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Credential } from '@enchilada/core/credential';
import type { EngineContext, EngineFacts, Hop } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import WebSocket from 'ws';
import {
  abortFault,
  certificateFacts,
  openPassage,
  unlessAborted,
  upgradeToTls,
  verifyCertificate,
  type Patience,
  type PeerIdentity,
} from '../shared/index.ts';
import { readStatus, SUBPROTOCOLS, type Subprotocol } from './codec/index.ts';
import type { KubernetesParameters } from './kubernetes-manifest.ts';

const MOST_ANSWER_BYTES = 16 * 1024 * 1024;
const MOST_REFUSAL_BYTES = 64 * 1024;
/** API servers send pieces of 32 KiB. */
const MOST_MESSAGE_BYTES = 1024 * 1024;
const MOST_HEADER_BYTES = 32 * 1024;

export interface ApiServerParts {
  readonly hop: Hop;
  readonly parameters: KubernetesParameters;
  readonly passage: Awaited<ReturnType<typeof openPassage>>;
  readonly patience: Patience;
  /** Of the opening: what is under way ends with it. */
  readonly signal: AbortSignal;
  readonly progress: EngineContext['progress'];
}

export interface ChannelSocket {
  readonly socket: WebSocket;
  readonly transport: TLSSocket;
  readonly subprotocol: Subprotocol;
}

type Proof =
  | { readonly kind: 'token'; readonly header: string }
  | { readonly kind: 'certificate'; readonly certificate: string; readonly key: string; readonly passphrase?: string };

/** What an API server answered instead of what was asked for. */
export class Refusal extends Fault {
  readonly status: number;

  constructor(status: number, fault: Fault) {
    super(fault.code, fault.message, { facts: fault.facts });
    this.status = status;
  }
}

/** The API of one cluster, as one credential may use it. INVARIANT: nothing that proves who we are is sent before the server's certificate was accepted. */
export class ApiServer {
  readonly #parts: ApiServerParts;
  readonly #open = new Set<TLSSocket>();
  #proof: Proof | undefined;
  #accepted: string | undefined;
  #spare: TLSSocket | undefined;
  #facts: EngineFacts = {};

  constructor(parts: ApiServerParts) {
    this.#parts = parts;
  }

  get facts(): EngineFacts {
    return this.#facts;
  }

  /** Dials, verifies and only then asks for the credential. @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_* */
  async signIn(): Promise<void> {
    const { hop, progress, patience, signal } = this.#parts;
    const { name } = hop.leave.target;
    const socket = await this.#connect(progress);
    progress('credential', name);
    const credential = await unlessAborted(
      patience.whileAsking(() => hop.credential()),
      signal,
    );
    this.#proof = proofOf(credential, this.#parts.parameters.clientCertificate);
    if (this.#proof.kind === 'token') this.#spare = socket;
    else socket.destroy();
  }

  /** @throws Fault; a Refusal where the server answered with another status than 200 */
  async get(path: string): Promise<unknown> {
    const socket = await this.#authenticated();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest({
      ...this.#request(path),
      headers: { ...this.#headers(), accept: 'application/json', connection: 'close' },
      createConnection: () => socket,
    });
    request.once('response', resolve);
    request.once('error', (error) => reject(this.#brokenBy(error)));
    request.end();
    try {
      const response = await unlessAborted(promise, this.#parts.signal);
      if (response.statusCode !== 200) throw await this.#refusalOf(response);
      return parseJson(await this.#bodyOf(response, MOST_ANSWER_BYTES));
    } finally {
      // The answer is read, or its failure thrown; what follows is the end of the socket.
      request.on('error', () => undefined);
      socket.destroy();
    }
  }

  /** @throws Fault; a Refusal where the server does not switch protocols */
  async stream(path: string): Promise<ChannelSocket> {
    const transport = await this.#authenticated();
    const { host } = this.#request(path);
    const opened = Promise.withResolvers<void>();
    const socket = new WebSocket(`wss://${host}${path}`, [...SUBPROTOCOLS], {
      headers: this.#headers(),
      createConnection: () => transport,
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: MOST_MESSAGE_BYTES,
    });
    socket.once('open', () => {
      // The first messages may be here already; they wait until somebody listens.
      socket.pause();
      opened.resolve();
    });
    socket.on('error', (error) => opened.reject(this.#brokenBy(error)));
    socket.once('unexpected-response', (_request, response) => {
      this.#refusalOf(response).then(opened.reject, opened.reject);
    });
    try {
      await unlessAborted(opened.promise, this.#parts.signal);
    } catch (failure) {
      transport.destroy();
      throw failure;
    }
    const subprotocol = SUBPROTOCOLS.find((known) => known === socket.protocol);
    if (subprotocol === undefined) {
      socket.terminate();
      throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target agreed on no subprotocol that was offered');
    }
    this.#open.delete(transport);
    return { socket, transport, subprotocol };
  }

  /** Ends what is open, except for a stream that was handed out. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #request(path: string): { readonly host: string; readonly path: string; readonly maxHeaderSize: number } {
    const { host, port } = this.#parts.hop.leave.target;
    return {
      host: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      path,
      maxHeaderSize: MOST_HEADER_BYTES,
    };
  }

  #headers(): Record<string, string> {
    return {
      'user-agent': 'enchilada',
      host: this.#request('/').host,
      ...(this.#proof?.kind === 'token' ? { authorization: this.#proof.header } : {}),
    };
  }

  async #authenticated(): Promise<TLSSocket> {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare !== undefined && !spare.destroyed ? spare : this.#connect(() => undefined);
  }

  async #connect(progress: EngineContext['progress']): Promise<TLSSocket> {
    const { hop, parameters, passage, signal } = this.#parts;
    const { name, host } = hop.leave.target;
    const stream = await passage.connect(progress);
    progress('handshake', name);
    const proof = this.#proof;
    let peer;
    try {
      peer = await upgradeToTls(stream, {
        host: parameters.serverName === '' ? host : parameters.serverName,
        identity: 'certificate',
        signal,
        ...(parameters.certificateAuthority === undefined ? {} : { authorities: parameters.certificateAuthority }),
        ...(proof?.kind === 'certificate' ? { client: proof } : {}),
      });
    } catch (failure) {
      stream.destroy();
      throw unreadableWhere(proof, failure);
    }
    const socket = peer.stream;
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    // Each request hears of its own failure; between them nobody waits for anything.
    socket.on('error', () => undefined);
    if (peer.identity === undefined) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target showed no certificate');
    await this.#verify(peer.identity, progress);
    return socket;
  }

  async #verify(identity: PeerIdentity, progress: EngineContext['progress']): Promise<void> {
    if (this.#accepted === identity.fingerprint) return;
    const { hop, patience, signal } = this.#parts;
    progress('host-identity', hop.leave.target.name);
    await unlessAborted(
      patience.whileAsking(() => verifyCertificate(hop, identity)),
      signal,
    );
    this.#accepted = identity.fingerprint;
    this.#facts = certificateFacts(identity);
  }

  async #bodyOf(response: IncomingMessage, most: number): Promise<string> {
    const pieces: Buffer[] = [];
    let size = 0;
    const read = async (): Promise<void> => {
      for await (const piece of response) {
        size += (piece as Buffer).length;
        if (size > most)
          throw new Fault('TARGET_PROTOCOL_VIOLATION', `the target answers with more than ${most} bytes`);
        pieces.push(piece as Buffer);
      }
    };
    try {
      await unlessAborted(read(), this.#parts.signal);
    } catch (failure) {
      response.destroy();
      throw isFault(failure) ? failure : this.#brokenBy(failure as Error);
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  async #refusalOf(response: IncomingMessage): Promise<Refusal> {
    const code = response.statusCode ?? 0;
    // The status alone says that it refuses; the words are for people.
    const body = await this.#bodyOf(response, MOST_REFUSAL_BYTES).catch(() => '');
    const said = readStatus(body)?.message ?? '';
    const words = said === '' ? `the target answered ${code}` : `the target answered ${code}: ${said}`;
    const facts = { host: this.#parts.hop.leave.target.name };
    if (code === 401) return new Refusal(code, new Fault('CREDENTIAL_REFUSED', words, { facts }));
    const isStatus = said !== '' || code >= 500;
    return new Refusal(code, new Fault(isStatus ? 'SHELL_REFUSED' : 'TARGET_PROTOCOL_VIOLATION', words, { facts }));
  }

  #brokenBy(error: Error): Fault {
    if (this.#parts.signal.aborted) return abortFault(this.#parts.signal);
    const { code = '' } = error as NodeJS.ErrnoException;
    if (/^(?:HPE_|ERR_HTTP|WS_ERR)/u.test(code) || code === '')
      return new Fault('TARGET_PROTOCOL_VIOLATION', `the target does not speak as an API server: ${error.message}`, {
        cause: error,
      });
    // A certificate that nobody vouches for is refused in TLS, after our side of it is complete.
    const refused = this.#proof?.kind === 'certificate' && code.startsWith('ERR_SSL');
    return new Fault(
      refused ? 'CREDENTIAL_REFUSED' : 'TARGET_DISCONNECTED',
      `the connection to the target broke: ${code}`,
      { cause: error },
    );
  }
}

function unreadableWhere(proof: Proof | undefined, failure: unknown): unknown {
  if (proof?.kind !== 'certificate' || isFault(failure)) return failure;
  // Thrown by TLS before anything is sent.
  return new Fault('CREDENTIAL_UNREADABLE', 'the private key does not belong to the client certificate', {
    cause: failure,
  });
}

function proofOf(credential: Credential, certificate: string | undefined): Proof {
  if (credential.kind === 'private-key') {
    if (certificate === undefined)
      throw new Fault('CREDENTIAL_MISSING', 'a private key needs the client certificate that the machine has none of');
    const passphrase = credential.passphrase?.reveal();
    return {
      kind: 'certificate',
      certificate,
      key: credential.privateKey.reveal(),
      ...(passphrase === undefined ? {} : { passphrase }),
    };
  }
  if (credential.kind !== 'password')
    throw new Fault('CREDENTIAL_MISSING', `the machine takes a token or a key, received ${credential.kind}`);
  const token = credential.password.reveal().trim();
  if (!/^[\u0021-\u007e]+$/u.test(token))
    throw new Fault('CREDENTIAL_UNREADABLE', 'a bearer token has no blanks, line breaks or other characters');
  return { kind: 'token', header: `Bearer ${token}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target answered with what is no JSON', { cause });
  }
}
