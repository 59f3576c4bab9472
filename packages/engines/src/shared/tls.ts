import { constants, createHash, X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { Fault } from '@enchilada/core/fault';
import type { Hop } from '@enchilada/core/engine';
import { abortFault } from './abort.ts';

/** Who a TLS server says it is, and whether a certificate authority vouches for it. */
export interface PeerIdentity {
  /** DER, the server's own first. */
  readonly chain: readonly [Buffer, ...Buffer[]];
  /** As `SHA256:…` of the certificate. */
  readonly fingerprint: string;
  /** Why chain or name do not hold; undefined where they do. */
  readonly problem: string | undefined;
}

export interface TlsPeer {
  readonly stream: TLSSocket;
  /** Undefined for anonymous key exchange. */
  readonly identity: PeerIdentity | undefined;
}

export interface TlsWishes {
  readonly host: string;
  /** Anonymous Diffie-Hellman: encryption against listeners, none against impostors. */
  readonly identity: 'certificate' | 'anonymous';
  readonly signal: AbortSignal;
  /** PEM. Absent: the system's. */
  readonly authorities?: string;
  /** What we prove ourselves with. */
  readonly client?: { readonly certificate: string; readonly key: string; readonly passphrase?: string };
}

const LONGEST_CHAIN = 10;

/** TLS over a stream that spoke in clear before. The chain is judged and reported, never enforced here. @throws Fault TARGET_* */
export async function upgradeToTls(stream: Duplex, wishes: TlsWishes): Promise<TlsPeer> {
  const { host, identity, signal, authorities, client } = wishes;
  // What was sent before TLS began could have been sent by anybody.
  if (stream.readableLength > 0)
    throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target sent plain data in front of its TLS greeting');
  const options: ConnectionOptions = {
    socket: stream,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    host,
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(client === undefined
      ? {}
      : {
          cert: client.certificate,
          key: client.key,
          ...(client.passphrase === undefined ? {} : { passphrase: client.passphrase }),
        }),
    // eslint-disable-next-line no-restricted-syntax -- judged by verifyCertificate: vouched for, pinned or asked for
    rejectUnauthorized: false,
    // Who was verified stays: a handshake in mid-session could show another certificate, or never end.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(identity === 'anonymous'
      ? { ciphers: 'ADH:AECDH:@SECLEVEL=0', maxVersion: 'TLSv1.2' as const }
      : { minVersion: 'TLSv1.2' as const }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(options, resolve);
  const failed = (error: NodeJS.ErrnoException): void => reject(tlsFault(error));
  const closed = (): void =>
    reject(new Fault('TARGET_DISCONNECTED', 'the target closed the connection while TLS was agreed on'));
  const aborted = (): void => {
    socket.destroy();
    reject(abortFault(signal));
  };
  socket.once('error', failed);
  socket.once('close', closed);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    if (signal.aborted) aborted();
    await promise;
  } catch (failure) {
    // What failed is thrown; what the socket says while it is destroyed is about that.
    socket.on('error', () => undefined);
    socket.destroy();
    throw failure;
  } finally {
    socket.off('error', failed);
    socket.off('close', closed);
    signal.removeEventListener('abort', aborted);
  }
  return { stream: socket, identity: identity === 'anonymous' ? undefined : identityOf(socket) };
}

function identityOf(socket: TLSSocket): PeerIdentity {
  const chain: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(next.raw);
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  const [own, ...issuers] = chain;
  if (own === undefined) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target showed no certificate');
  return {
    chain: [own, ...issuers],
    fingerprint: `SHA256:${createHash('sha256').update(own).digest('base64').replace(/=+$/u, '')}`,
    problem: socket.authorized ? undefined : String(socket.authorizationError),
  };
}

/**
 * Resolves when the server may be spoken to: an authority vouches for it and nothing is pinned, or the hop accepts its certificate.
 * @throws Fault HOST_KEY_*
 */
export async function verifyCertificate(hop: Hop, identity: PeerIdentity): Promise<void> {
  const pinned = hop.pinnedKeyTypes ?? [];
  if (identity.problem === undefined && pinned.length === 0) return;
  const [key] = identity.chain;
  await hop.verifyHostKey({ keyType: 'x509', key, fingerprint: identity.fingerprint });
}

/** Readable names for the session's details. */
export function certificateFacts(identity: PeerIdentity): Readonly<Record<string, string>> {
  const certificate = new X509Certificate(identity.chain[0]);
  return {
    hostKeyType: 'x509',
    hostKeyFingerprint: identity.fingerprint,
    certificateSubject: certificate.subject.replaceAll('\n', ', ').slice(0, 200),
    certificateUntil: certificate.validTo,
  };
}

function tlsFault(error: NodeJS.ErrnoException): Fault {
  const said = error.code ?? error.message;
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    return new Fault('TARGET_DISCONNECTED', `the connection broke while TLS was agreed on: ${said}`, { cause: error });
  return new Fault('TARGET_NO_COMMON_ALGORITHM', `TLS with the target failed: ${said}`, { cause: error });
}
