import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject } from 'node:crypto';
import {
  type KeyEncryption,
  type KeyServiceState,
  joinWrappedKey,
  SecretBytes,
  splitWrappedKey,
  type WrappedKey,
} from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Clock, RandomSource } from '@enchilada/core/time';

/** A key that never leaves its service. It wraps 32 bytes for one purpose, which the service learns where it can. */
export interface RemoteKey {
  readonly keyId: string;
  wrap(key: Uint8Array, call: RemoteCall): Promise<Uint8Array>;
  unwrap(wrapped: Uint8Array, call: RemoteCall): Promise<Uint8Array>;
}

export interface RemoteCall {
  /** The first word of the context: `credential`, `recording`, `recording-input`. Policies can tell them apart. */
  readonly purpose: string;
  readonly signal: AbortSignal;
}

export interface RemoteKeyParts {
  readonly remote: RemoteKey;
  readonly clock: Clock;
  readonly random: RandomSource;
}

const FORMAT = 1;
const LENGTH_BYTES = 2;
const KEY_BYTES = 32;
const LIMIT_MS = 10_000;
const FRESH_MS = 5 * 60_000;
/** What is recorded goes on for so long without the service. */
const USABLE_MS = 15 * 60_000;
const HELD_MS = 60_000;
const MOST_HELD = 256;

interface Carrier {
  readonly key: KeyObject;
  readonly wrapped: Uint8Array;
  readonly madeAt: number;
}

/**
 * A service wraps little, slowly and for money. So it wraps carriers: a key of our own for each purpose, which wraps for five to fifteen minutes and
 * travels, wrapped by the service, in front of everything it wrapped. What was wrapped needs nothing but the service to open.
 * INVARIANT: without the service nothing is opened but what it opened in the last minute, and nothing is ever stored otherwise.
 */
export function remoteKeyEncryption(parts: RemoteKeyParts): KeyEncryption {
  return new RemoteKeyEncryption(parts);
}

class RemoteKeyEncryption implements KeyEncryption {
  readonly keyId: string;
  readonly opens: readonly string[];
  readonly #parts: RemoteKeyParts;
  readonly #carriers = new Map<string, Carrier>();
  readonly #making = new Map<string, Promise<Carrier>>();
  readonly #held = new Map<string, Promise<KeyObject>>();
  #service: KeyServiceState = {};

  constructor(parts: RemoteKeyParts) {
    this.keyId = parts.remote.keyId;
    this.opens = [parts.remote.keyId];
    this.#parts = parts;
  }

  get service(): KeyServiceState {
    return this.#service;
  }

  async wrap(key: SecretBytes, context: string): Promise<WrappedKey> {
    const carrier = await this.#carrierFor(purposeOf(context));
    const header = headerOf(carrier.wrapped);
    const nonce = this.#parts.random.bytes(12);
    const cipher = createCipheriv('aes-256-gcm', carrier.key, nonce).setAAD(bindingOf(header, context));
    const sealed = Buffer.concat([cipher.update(key.reveal()), cipher.final()]);
    const body = joinWrappedKey({ nonce, sealed, tag: cipher.getAuthTag() });
    return { keyId: this.keyId, bytes: Uint8Array.from(Buffer.concat([header, body])) };
  }

  async unwrap({ keyId, bytes }: WrappedKey, context: string): Promise<SecretBytes> {
    if (keyId !== this.keyId) throw new Fault('KEY_UNAVAILABLE', `${this.keyId} opens nothing of ${keyId}`);
    const carried = splitHeader(bytes);
    const parts = carried === undefined ? undefined : splitWrappedKey(carried.body);
    if (carried === undefined || parts === undefined)
      throw new Fault('KEY_UNAVAILABLE', `a wrapped key of ${bytes.length} bytes is cut`);
    const key = await this.#carrierKey(carried.wrapped, purposeOf(context));
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, parts.nonce)
        .setAAD(bindingOf(carried.header, context))
        .setAuthTag(parts.tag);
      return new SecretBytes(Buffer.concat([decipher.update(parts.sealed), decipher.final()]));
    } catch (cause) {
      throw new Fault('KEY_UNAVAILABLE', `a key wrapped by ${keyId} does not open in the context ${context}`, {
        cause,
      });
    }
  }

  async #carrierFor(purpose: string): Promise<Carrier> {
    const carrier = this.#carriers.get(purpose);
    const age = carrier === undefined ? Number.POSITIVE_INFINITY : this.#parts.clock.monotonicMs() - carrier.madeAt;
    if (carrier === undefined || age >= USABLE_MS) return this.#renew(purpose);
    // The one that is there serves while its successor is made, and longer where that fails.
    if (age >= FRESH_MS) this.#renew(purpose).catch(() => undefined);
    return carrier;
  }

  #renew(purpose: string): Promise<Carrier> {
    const making = this.#making.get(purpose);
    if (making !== undefined) return making;
    const made = this.#make(purpose).finally(() => this.#making.delete(purpose));
    this.#making.set(purpose, made);
    return made;
  }

  async #make(purpose: string): Promise<Carrier> {
    const { remote, clock, random } = this.#parts;
    using bytes = new SecretBytes(random.bytes(KEY_BYTES));
    const wrapped = await this.#limited((signal) => remote.wrap(bytes.reveal(), { purpose, signal }));
    const carrier = { key: createSecretKey(bytes.reveal()), wrapped, madeAt: clock.monotonicMs() };
    this.#carriers.set(purpose, carrier);
    return carrier;
  }

  #carrierKey(wrapped: Uint8Array, purpose: string): Promise<KeyObject> {
    const name = `${purpose} ${createHash('sha256').update(wrapped).digest('base64')}`;
    const held = this.#held.get(name);
    if (held !== undefined) return held;
    const opened = this.#open(wrapped, purpose);
    const [oldest] = this.#held.keys();
    if (this.#held.size >= MOST_HELD && oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(name, opened);
    const forget = (): void => {
      if (this.#held.get(name) === opened) this.#held.delete(name);
    };
    opened.then(() => this.#parts.clock.after(HELD_MS, forget), forget);
    return opened;
  }

  async #open(wrapped: Uint8Array, purpose: string): Promise<KeyObject> {
    const { remote } = this.#parts;
    using bytes = new SecretBytes(await this.#limited((signal) => remote.unwrap(wrapped, { purpose, signal })));
    if (bytes.reveal().length !== KEY_BYTES) throw new Fault('KEY_UNAVAILABLE', `${this.keyId} opened what is no key`);
    return createSecretKey(bytes.reveal());
  }

  async #limited(work: (signal: AbortSignal) => Promise<Uint8Array>): Promise<Uint8Array> {
    const { clock } = this.#parts;
    const late = new AbortController();
    using _limit = clock.after(LIMIT_MS, () => {
      late.abort();
    });
    try {
      const answer = await work(late.signal);
      this.#service = { answeredAt: clock.now() };
      return answer;
    } catch (cause) {
      const fault = toKeyFault(cause);
      this.#service = { ...this.#service, failure: { at: clock.now(), reason: fault.message } };
      throw fault;
    }
  }
}

function toKeyFault(cause: unknown): Fault {
  if (!(cause instanceof Fault)) return new Fault('KEY_UNAVAILABLE', 'the key management service failed', { cause });
  if (cause.code === 'KEY_UNAVAILABLE' || cause.code === 'CONFIGURATION_INVALID') return cause;
  return new Fault('KEY_UNAVAILABLE', `the key-encryption key cannot be used: ${cause.message}`, {
    cause,
    facts: cause.facts,
  });
}

function purposeOf(context: string): string {
  return /[a-z][a-z_-]{0,39}/u.exec(context)?.[0] ?? 'other';
}

function headerOf(wrapped: Uint8Array): Buffer {
  const header = Buffer.alloc(1 + LENGTH_BYTES + wrapped.length);
  header.writeUInt8(FORMAT, 0);
  header.writeUInt16BE(wrapped.length, 1);
  header.set(wrapped, 1 + LENGTH_BYTES);
  return header;
}

function splitHeader(bytes: Uint8Array) {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.length < 1 + LENGTH_BYTES || all.readUInt8(0) !== FORMAT) return undefined;
  const end = 1 + LENGTH_BYTES + all.readUInt16BE(1);
  if (end >= all.length) return undefined;
  return { header: all.subarray(0, end), wrapped: all.subarray(1 + LENGTH_BYTES, end), body: all.subarray(end) };
}

function bindingOf(header: Uint8Array, context: string): Buffer {
  return Buffer.concat([header, Buffer.from(context, 'utf8')]);
}
