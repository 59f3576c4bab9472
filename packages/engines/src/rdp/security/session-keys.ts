import { createHash } from 'node:crypto';
import { ascii, joinBytes } from '../codec/bytes.ts';
import { Rc4 } from '../codec/rc4.ts';
import { METHOD } from '../codec/server-security.ts';

export type Bits = 40 | 56 | 128;

/** Of RC4; undefined for the other methods. [MS-RDPBCGR] 5.3.2 */
export function bitsOf(method: number): Bits | undefined {
  switch (method) {
    case METHOD.rc4With40Bits:
      return 40;
    case METHOD.rc4With56Bits:
      return 56;
    case METHOD.rc4With128Bits:
      return 128;
    default:
      return undefined;
  }
}

/** All of 8 or of 16 bytes, as RC4 and the signature take them. */
export interface SessionKeys {
  readonly bits: Bits;
  /** Of signatures, in both directions. */
  readonly mac: Uint8Array;
  readonly toTarget: Uint8Array;
  readonly fromTarget: Uint8Array;
}

const md5 = (...parts: readonly Uint8Array[]): Uint8Array =>
  createHash('md5')
    .update(joinBytes(...parts))
    .digest();
const sha1 = (...parts: readonly Uint8Array[]): Uint8Array =>
  createHash('sha1')
    .update(joinBytes(...parts))
    .digest();

/** What is known of the 64 bits of weaker keys. */
const SALT = Uint8Array.of(0xd1, 0x26, 0x9e);

/** A key of 128 bits cut down to as many as were agreed on. [MS-RDPBCGR] 5.3.5.1 */
function weakened(key: Uint8Array, bits: Bits): Uint8Array {
  if (bits === 128) return key;
  const known = SALT.subarray(0, bits === 40 ? 3 : 1);
  return joinBytes(known, key.subarray(known.length, 8));
}

/** From the randoms of both sides, 32 bytes each. [MS-RDPBCGR] 5.3.5.1 */
export function sessionKeys(clientRandom: Uint8Array, serverRandom: Uint8Array, bits: Bits): SessionKeys {
  const randoms = joinBytes(clientRandom, serverRandom);
  const hashes = (secret: Uint8Array, ...inputs: readonly string[]): Uint8Array =>
    joinBytes(...inputs.map((input) => md5(secret, sha1(ascii(input), secret, randoms))));
  const preMaster = joinBytes(clientRandom.subarray(0, 24), serverRandom.subarray(0, 24));
  const blob = hashes(hashes(preMaster, 'A', 'BB', 'CCC'), 'X', 'YY', 'ZZZ');
  return {
    bits,
    mac: weakened(blob.subarray(0, 16), bits),
    fromTarget: weakened(md5(blob.subarray(16, 32), randoms), bits),
    toTarget: weakened(md5(blob.subarray(32, 48), randoms), bits),
  };
}

const [PAD_1, PAD_2] = [new Uint8Array(40).fill(0x36), new Uint8Array(48).fill(0x5c)];

const keyedHash = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
  md5(key, PAD_2, sha1(key, PAD_1, ...parts));

/** Of a message, its length in front of it and, where it is salted, a count behind it; 8 bytes. [MS-RDPBCGR] 5.3.6.1 */
export function macOf(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return keyedHash(key, ...parts).subarray(0, 8);
}

/** The key that follows another, of which the first of its direction is the initial one. [MS-RDPBCGR] 5.3.7.1 */
export function nextKey(initial: Uint8Array, current: Uint8Array, bits: Bits): Uint8Array {
  const temporary = keyedHash(initial, current).subarray(0, initial.length);
  return weakened(new Rc4(temporary).update(temporary), bits);
}
