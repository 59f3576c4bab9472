import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { ConnectContext, Hop } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import type { PresentedHostKey } from '@enchilada/core/target';
import ssh2, { type NextAuthHandler } from 'ssh2';
import { algorithmsFor, isTruncatable } from './algorithms.ts';
import { Authentication } from './authentication.ts';
import { Patience, peerText } from '../shared/index.ts';
import { connectionFault } from './connection-fault.ts';
import { gatherWrites } from './gather-writes.ts';
import { internalsOf, type Negotiated, prepareKeys } from './ssh2-internals.ts';
import { readParameters } from './ssh-manifest.ts';
import { offerCertificates } from './certificate-key.ts';
import { unpooled } from './unpooled.ts';

/** All that a target may send before it has accepted the person: version, key exchange, banners and questions. */
const MAX_BYTES_BEFORE_READY = 256 * 1024;
const SOFTWARE = 'Enchilada';

/** The peer lacks strict key exchange and a cipher was chosen that needs it; the hop is tried again without such ciphers. */
export class TruncatablePeer extends Error {}

export interface HopLimits {
  readonly handshakeMs: number;
  /** How long a person may take for one answer. */
  readonly answerMs: number;
  /** Unanswered keepalive intervals after which the target counts as lost. */
  readonly keepaliveMisses: number;
  /** Overrides the target's own setting. */
  readonly keepaliveMs?: number;
}

export interface ConnectedHop extends AsyncDisposable {
  readonly client: ssh2.Client;
  /** Text the target showed before it accepted the person (RFC 4252 section 5.4), without control characters. */
  readonly banner: string;
  readonly facts: Readonly<Record<string, string>>;
  /** Settles when the connection is over, with the fault unless it was closed in order. */
  readonly closed: Promise<Fault | undefined>;
  destroy(): void;
}

export function presentedHostKey(key: Uint8Array): PresentedHostKey {
  const blob = Buffer.from(key);
  const keyType = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  return {
    keyType,
    key: blob,
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/u, '')}`,
  };
}

export interface HopRequest {
  readonly hop: Hop;
  readonly context: ConnectContext;
  readonly limits: HopLimits;
  readonly withoutTruncatable: boolean;
}

/**
 * Handshake, host identity and authentication with one machine over a stream that the caller opened.
 * INVARIANT: no credential is fetched before the host key was accepted.
 * @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_*, PROMPT_ABANDONED
 */
export function connectHop(
  stream: Duplex,
  { hop, context, limits, withoutTruncatable }: HopRequest,
): Promise<ConnectedHop> {
  const { target } = hop.leave;
  const parameters = readParameters(target.parameters);
  const peer = { host: target.name };
  const client = new ssh2.Client();
  const opened = Promise.withResolvers<ConnectedHop>();
  const closed = Promise.withResolvers<Fault | undefined>();
  let isReady = false;
  let first: Fault | undefined;
  let acceptedKey: Buffer | undefined;
  let negotiated: Negotiated | undefined;
  let banner = '';
  let received = 0;

  const destroy = (): void => {
    client.destroy();
    stream.destroy();
  };
  const fail = (error: unknown): void => {
    if (isReady) {
      first ??= isFault(error) ? error : connectionFault(error as Error, peer);
      closed.resolve(first);
    } else {
      opened.reject(isFault(error) || error instanceof TruncatablePeer ? error : connectionFault(error as Error, peer));
    }
    destroy();
  };
  const patience = new Patience(context.clock, limits, fail);
  const authentication = new Authentication({
    hop,
    context,
    patience,
    legacyAlgorithms: parameters.legacyAlgorithms,
    fail,
  });

  const verifyHost = async (key: Buffer, verify: (accepted: boolean) => void): Promise<void> => {
    try {
      const { _strictMode, _kex } = internalsOf(client)._protocol;
      negotiated = _kex?.negotiated;
      const exposed = negotiated === undefined || [negotiated.cs, negotiated.sc].some(isTruncatable);
      if (_strictMode !== true && exposed) throw new TruncatablePeer('the target lacks strict key exchange');
      if (acceptedKey === undefined) {
        context.progress('host-identity', target.name);
        await patience.whileAsking(() => hop.verifyHostKey(presentedHostKey(key)));
        acceptedKey = Buffer.from(key);
      } else if (!acceptedKey.equals(key)) {
        throw new Fault('HOST_KEY_CHANGED', 'the target changed its host key while connected', { facts: peer });
      }
      verify(true);
    } catch (error) {
      fail(error);
    }
  };
  const chooseMethod = async (
    left: readonly string[] | null,
    partial: boolean | null,
    next: NextAuthHandler,
  ): Promise<void> => {
    try {
      if (left === null) context.progress('credential', target.name);
      const method = await authentication.next(left, partial);
      unpooled(() => {
        next(method);
      });
    } catch (error) {
      fail(error);
    }
  };
  const countBytes = (chunk: Uint8Array): void => {
    received += chunk.length;
    if (received > MAX_BYTES_BEFORE_READY)
      fail(
        new Fault('TARGET_PROTOCOL_VIOLATION', `the target sent ${received} bytes before it was ready`, {
          facts: peer,
        }),
      );
  };
  const onAbort = (): void =>
    fail(
      isFault(context.signal.reason)
        ? context.signal.reason
        : new Fault('SESSION_ENDED', 'the session was ended while it was being opened'),
    );

  prepareKeys(client);
  gatherWrites(stream);
  client.on('error', (error: Error & { level?: string }) => {
    // A peer that spoke, and not SSH, broke the protocol; one that said nothing just hung up.
    if (error.message === 'Connection lost before handshake' && received === 0)
      fail(new Fault('TARGET_DISCONNECTED', 'the target closed the connection without a word', { facts: peer }));
    else fail(error);
  });
  client.on('close', () => {
    if (!isReady)
      fail(new Fault('TARGET_DISCONNECTED', 'the target closed the connection during the handshake', { facts: peer }));
    closed.resolve(first);
  });
  client.on('banner', (text) => (banner += peerText(text, MAX_BYTES_BEFORE_READY)));
  client.on('change password', () =>
    fail(new Fault('CREDENTIAL_REFUSED', 'the target wants a new password; the old one has expired', { facts: peer })),
  );
  client.once('ready', () => {
    isReady = true;
    authentication.succeeded();
    patience[Symbol.dispose]();
    stream.off('data', countBytes);
    context.signal.removeEventListener('abort', onAbort);
    opened.resolve({
      client,
      banner,
      closed: closed.promise,
      destroy,
      facts: {
        server: peerText(internalsOf(client)._remoteVer ?? '', 255),
        hostKey: acceptedKey === undefined ? '' : presentedHostKey(acceptedKey).fingerprint,
        hostKeyAlgorithm: negotiated?.serverHostKey ?? '',
        keyExchange: negotiated?.kex ?? '',
        cipher: negotiated?.sc.cipher ?? '',
        mac: negotiated?.sc.mac ?? '',
      },
      async [Symbol.asyncDispose]() {
        client.end();
        using _hardEnd = context.clock.after(1_000, destroy);
        stream.end(() => stream.destroy());
        await closed.promise;
      },
    });
  });

  if (context.signal.aborted) {
    onAbort();
    return opened.promise;
  }
  context.signal.addEventListener('abort', onAbort, { once: true });
  context.progress('handshake', target.name);
  client.connect({
    sock: stream,
    username: '',
    ident: SOFTWARE,
    readyTimeout: 0,
    keepaliveInterval: limits.keepaliveMs ?? parameters.keepaliveSeconds * 1000,
    // ssh2 gives up one interval after this many went unanswered.
    keepaliveCountMax: limits.keepaliveMisses - 1,
    algorithms: algorithmsFor({
      legacyAlgorithms: parameters.legacyAlgorithms,
      pinnedKeyTypes: hop.pinnedKeyTypes ?? [],
      withoutTruncatable,
    }),
    hostVerifier: (key: Buffer, verify: (accepted: boolean) => void) => void verifyHost(key, verify),
    authHandler: (left, partial, next) => void chooseMethod(left, partial, next),
  });
  offerCertificates(client);
  // After `connect`, which has paused the stream: a listener added earlier would start it too soon.
  stream.on('data', countBytes);
  return opened.promise.finally(() => {
    patience[Symbol.dispose]();
    context.signal.removeEventListener('abort', onAbort);
  });
}
