import { createHash, createHmac } from 'node:crypto';
import { ascii, joinBytes, u16le, u32le, utf16, viewOf, violation } from '../codec/bytes.ts';
import { md4 } from '../codec/md4.ts';
import { Rc4 } from '../codec/rc4.ts';
import type { ContextStep, SecurityContext } from './security-context.ts';

export interface NtlmIdentity {
  readonly username: string;
  readonly domain: string;
  readonly password: string;
  /** `TERMSRV/host`: what the target is asked for. */
  readonly service: string;
}

export interface NtlmChance {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly random: (count: number) => Uint8Array;
}

const SIGNATURE = ascii('NTLMSSP\0');
/** Unicode, request target, sign, seal, NTLM, always sign, extended session security, version, 128, key exchange, 56. [MS-NLMP] 2.2.2.5 */
const FLAGS = 0xe208_8235;
const VERSION = Uint8Array.of(10, 0, 0x61, 0x4a, 0, 0, 0, 15);
const AV = { end: 0, timestamp: 7, flags: 6, targetName: 9, channelBindings: 10 } as const;
const WITH_MIC = 2;
const HEAD_BYTES = 88;
const MIC_AT = 72;
/** Between 1601 and 1970, in 100 ns. */
const EPOCH = 11_644_473_600_000n;

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
  createHmac('md5', key)
    .update(joinBytes(...parts))
    .digest();
const md5 = (...parts: readonly Uint8Array[]): Uint8Array =>
  createHash('md5')
    .update(joinBytes(...parts))
    .digest();

/**
 * NTLMv2 as a client, with signing and sealing. [MS-NLMP] 3.1.5 and 3.4
 * Its tokens go bare, without SPNEGO around them: FreeRDP 2 takes no others.
 */
export class NtlmClient implements SecurityContext {
  readonly mechanism = 'NTLM';
  readonly #identity: NtlmIdentity;
  readonly #chance: NtlmChance;
  readonly #negotiate = negotiateMessage();
  #client: Sealer | undefined;
  #server: Sealer | undefined;

  constructor(identity: NtlmIdentity, chance: NtlmChance) {
    this.#identity = identity;
    this.#chance = chance;
  }

  step(answer: Uint8Array | undefined): ContextStep {
    return answer === undefined
      ? { token: this.#negotiate, isEstablished: false }
      : { token: this.authenticate(answer), isEstablished: true };
  }

  /** [MS-NLMP] 2.2.1.3. @throws Fault TARGET_PROTOCOL_VIOLATION */
  authenticate(challenge: Uint8Array): Uint8Array {
    const { username, domain, password, service } = this.#identity;
    const { serverChallenge, flags, targetInfo } = parseChallenge(challenge);
    const pairs = [...avPairs(targetInfo)].filter(
      ([id]) => id !== AV.flags && id !== AV.targetName && id !== AV.channelBindings,
    );
    const told = pairs.find(([id]) => id === AV.timestamp)?.[1];
    const timestamp = told ?? fileTime(this.#chance.now);
    const info = joinBytes(
      ...[
        ...pairs,
        ...(told === undefined ? [] : [[AV.flags, u32le(WITH_MIC)] as const]),
        [AV.channelBindings, new Uint8Array(16)] as const,
        [AV.targetName, utf16(service)] as const,
        [AV.end, new Uint8Array(0)] as const,
      ].map(([id, value]) => joinBytes(u16le(id), u16le(value.length), value)),
    );
    const key = hmac(md4(utf16(password)), utf16(username.toUpperCase() + domain));
    const clientChallenge = this.#chance.random(8);
    const temp = joinBytes(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0), timestamp, clientChallenge, u32le(0), info, u32le(0));
    const proof = hmac(key, serverChallenge, temp);
    const lm =
      told === undefined ? joinBytes(hmac(key, serverChallenge, clientChallenge), clientChallenge) : new Uint8Array(24);
    const sessionKey = this.#chance.random(16);
    const sealedKey = new Rc4(hmac(key, proof)).update(sessionKey);
    const message = authenticateMessage({
      lm,
      nt: joinBytes(proof, temp),
      domain: utf16(domain),
      user: utf16(username),
      workstation: utf16('GATEWAY'),
      sealedKey,
      flags: flags & FLAGS,
    });
    if (told !== undefined) message.set(hmac(sessionKey, this.#negotiate, challenge, message), MIC_AT);
    this.#client = new Sealer(sessionKey, 'client-to-server');
    this.#server = new Sealer(sessionKey, 'server-to-client');
    return message;
  }

  wrap(plain: Uint8Array): Uint8Array {
    if (this.#client === undefined) throw violation('nothing was agreed on to seal with');
    return this.#client.seal(plain);
  }

  /** @throws Fault TARGET_PROTOCOL_VIOLATION where the signature is not the server's */
  unwrap(wrapped: Uint8Array): Uint8Array {
    if (this.#server === undefined) throw violation('nothing was agreed on to open with');
    return this.#server.open(wrapped);
  }
}

/** [MS-NLMP] 3.4.4.2, with extended session security and key exchange. */
export class Sealer {
  readonly #signing: Uint8Array;
  readonly #cipher: Rc4;
  #sequence = 0;

  constructor(sessionKey: Uint8Array, direction: 'client-to-server' | 'server-to-client') {
    const derive = (use: 'signing' | 'sealing'): Uint8Array =>
      md5(sessionKey, ascii(`session key to ${direction} ${use} key magic constant\0`));
    this.#signing = derive('signing');
    this.#cipher = new Rc4(derive('sealing'));
  }

  seal(plain: Uint8Array): Uint8Array {
    const sealed = this.#cipher.update(plain);
    return joinBytes(this.#sign(plain), sealed);
  }

  open(bytes: Uint8Array): Uint8Array {
    const plain = this.#cipher.update(bytes.subarray(16));
    const expected = this.#sign(plain);
    if (bytes.length < 16 || expected.some((byte, index) => bytes[index] !== byte))
      throw violation('an NTLM signature is wrong');
    return plain;
  }

  #sign(plain: Uint8Array): Uint8Array {
    const sequence = u32le(this.#sequence++);
    const checksum = this.#cipher.update(hmac(this.#signing, sequence, plain).subarray(0, 8));
    return joinBytes(u32le(1), checksum, sequence);
  }
}

function negotiateMessage(): Uint8Array {
  const empty = joinBytes(u32le(0), u32le(40));
  return joinBytes(SIGNATURE, u32le(1), u32le(FLAGS), empty, empty, VERSION);
}

interface Challenge {
  readonly serverChallenge: Uint8Array;
  readonly flags: number;
  readonly targetInfo: Uint8Array;
}

/** [MS-NLMP] 2.2.1.2 */
function parseChallenge(bytes: Uint8Array): Challenge {
  if (bytes.length < 48 || !SIGNATURE.every((byte, index) => bytes[index] === byte) || bytes[8] !== 2)
    throw violation('its NTLM challenge is none');
  const view = viewOf(bytes);
  const [length, offset] = [view.getUint16(40, true), view.getUint32(44, true)];
  if (offset + length > bytes.length) throw violation('its NTLM challenge points outside itself');
  return {
    serverChallenge: bytes.slice(24, 32),
    flags: view.getUint32(20, true),
    targetInfo: bytes.slice(offset, offset + length),
  };
}

function* avPairs(info: Uint8Array): Generator<readonly [number, Uint8Array]> {
  const view = viewOf(info);
  for (let at = 0; at + 4 <= info.length;) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (id === AV.end) return;
    if (at + 4 + length > info.length) throw violation('its NTLM target information ends early');
    yield [id, info.slice(at + 4, at + 4 + length)];
    at += 4 + length;
  }
}

function fileTime(now: number): Uint8Array {
  const out = new Uint8Array(8);
  viewOf(out).setBigUint64(0, (BigInt(Math.round(now)) + EPOCH) * 10_000n, true);
  return out;
}

interface Answer {
  readonly lm: Uint8Array;
  readonly nt: Uint8Array;
  readonly domain: Uint8Array;
  readonly user: Uint8Array;
  readonly workstation: Uint8Array;
  readonly sealedKey: Uint8Array;
  readonly flags: number;
}

function authenticateMessage(answer: Answer): Uint8Array {
  const { lm, nt, domain, user, workstation, sealedKey, flags } = answer;
  const payload = [domain, user, workstation, lm, nt, sealedKey];
  let at = HEAD_BYTES;
  const placed = new Map<Uint8Array, Uint8Array>();
  for (const part of payload) {
    placed.set(part, joinBytes(u16le(part.length), u16le(part.length), u32le(at)));
    at += part.length;
  }
  const place = (part: Uint8Array): Uint8Array => placed.get(part) ?? new Uint8Array(8);
  return joinBytes(
    SIGNATURE,
    u32le(3),
    ...[lm, nt, domain, user, workstation, sealedKey].map(place),
    u32le(flags),
    VERSION,
    new Uint8Array(16),
    ...payload,
  );
}
