import type { Duplex } from 'node:stream';
import type { Credential } from '@enchilada/core/credential';
import type { Hop } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { PresentedHostKey } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';
import { abortFault } from './abort.ts';
import { Patience } from './patience.ts';
import { PeerReader } from './peer-reader.ts';
import { upgradeToTls, verifyCertificate, type PeerIdentity, type TlsPeer } from './tls.ts';

export interface GreetingParts {
  readonly hop: Hop;
  /** `answerMs`: how long a person may take for one answer. */
  readonly limits: { readonly handshakeMs: number; readonly answerMs: number };
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly credential: () => Promise<Credential>;
}

/** A desktop's connection until it stands: read piece by piece, upgraded to TLS, within the time limit, and over with the session's signal. */
export class Greeting implements Disposable {
  readonly #first: Duplex;
  readonly #parts: GreetingParts;
  readonly #patience: Patience;
  readonly #over = Promise.withResolvers<never>();
  readonly #broken = new AbortController();
  #stream: Duplex;
  #reader: PeerReader;

  /** Owns the stream until it is disposed of. */
  constructor(first: Duplex, parts: GreetingParts) {
    this.#first = first;
    this.#stream = first;
    this.#reader = new PeerReader(first);
    this.#parts = parts;
    // Only questions wait for it; the reader hears of the same fault.
    this.#over.promise.catch(() => undefined);
    this.#patience = new Patience(parts.clock, parts.limits, (fault) => this.#fail(fault));
    parts.signal.addEventListener('abort', this.#aborted, { once: true });
    if (parts.signal.aborted) this.#aborted();
  }

  get stream(): Duplex {
    return this.#stream;
  }

  get reader(): PeerReader {
    return this.#reader;
  }

  /** TLS from here on. Who the target is has still to be verified. @throws Fault TARGET_* */
  async encrypt(identity: 'certificate' | 'anonymous'): Promise<TlsPeer> {
    this.#reader[Symbol.dispose]();
    const { host } = this.#parts.hop.leave.target;
    const upgraded = await upgradeToTls(this.#stream, { host, identity, signal: this.#broken.signal });
    this.#stream = upgraded.stream;
    this.#reader = new PeerReader(upgraded.stream);
    return upgraded;
  }

  /** @throws Fault HOST_KEY_* */
  verify(identity: PeerIdentity): Promise<void> {
    return this.#asking(() => verifyCertificate(this.#parts.hop, identity));
  }

  /** Of a target without a certificate. @throws Fault HOST_KEY_* */
  verifyKey(key: PresentedHostKey): Promise<void> {
    return this.#asking(() => this.#parts.hop.verifyHostKey(key));
  }

  /** @throws Fault CREDENTIAL_* */
  async credential(): Promise<Credential & { readonly kind: 'password' }> {
    const credential = await this.#asking(this.#parts.credential);
    if (credential.kind !== 'password')
      throw new Fault('CREDENTIAL_MISSING', 'a desktop takes a password, and the credential is none');
    return credential;
  }

  /** Closes what did not come to stand. */
  abandon(): void {
    this.#reader[Symbol.dispose]();
    // What failed is thrown; what the socket says while it is destroyed is about that.
    this.#stream.on('error', () => undefined);
    this.#stream.destroy();
    this.#first.destroy();
  }

  /** The stream is its caller's from here on. */
  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
    this.#parts.signal.removeEventListener('abort', this.#aborted);
    this.#patience[Symbol.dispose]();
  }

  readonly #aborted = (): void => this.#fail(abortFault(this.#parts.signal));

  #asking<T>(ask: () => Promise<T>): Promise<T> {
    return Promise.race([this.#patience.whileAsking(ask), this.#over.promise]);
  }

  #fail(fault: Fault): void {
    this.#reader.fail(fault);
    this.#over.reject(fault);
    this.#broken.abort(fault);
  }
}
