import { constants, createCipheriv, createDiffieHellman, createHash, randomBytes } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';
import { violation } from '../codec/wire.ts';

export interface AppleChallenge {
  readonly generator: number;
  readonly prime: Uint8Array;
  readonly serverKey: Uint8Array;
}

const FIELD_BYTES = 64;

function field(text: string): Buffer {
  const out = randomBytes(FIELD_BYTES);
  const bytes = Buffer.from(text, 'utf8').subarray(0, FIELD_BYTES - 1);
  bytes.copy(out);
  out[bytes.length] = 0;
  return out;
}

/** What both sides have of one exchange. */
export interface AppleAgreement {
  readonly publicKey: Buffer;
  readonly shared: Buffer;
}

/** Apple's own is of 128 bytes. The library tests the prime, and a large one would keep the gateway busy. */
const FEWEST_BYTES = 128;
const MOST_BYTES = 256;

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

/** @throws Fault TARGET_PROTOCOL_VIOLATION */
export function checkAppleLength(length: number): void {
  if (length < FEWEST_BYTES || length > MOST_BYTES) throw violation(`a Diffie-Hellman key of ${length} bytes`);
}

/** @throws Fault TARGET_PROTOCOL_VIOLATION, before anything was sent that depends on a secret */
export function agreeWithApple({ generator, prime, serverKey }: AppleChallenge): AppleAgreement {
  checkAppleLength(prime.length);
  const last = numberOf(prime) - 1n;
  if (prime[0] === 0 || last % 2n !== 0n) throw violation('a Diffie-Hellman prime that is none');
  if (generator < 2) throw violation(`a Diffie-Hellman generator of ${generator}`);
  const key = numberOf(serverKey);
  if (key < 2n || key >= last) throw violation('a Diffie-Hellman key that keeps nothing secret');
  try {
    const own = createDiffieHellman(Buffer.from(prime), Buffer.from([generator >> 8, generator & 0xff]));
    if ((own.verifyError & constants.DH_CHECK_P_NOT_PRIME) !== 0) throw new Error('the modulus is not prime');
    const padded = (bytes: Buffer): Buffer => Buffer.concat([Buffer.alloc(prime.length - bytes.length), bytes]);
    return { publicKey: padded(own.generateKeys()), shared: padded(own.computeSecret(serverKey)) };
  } catch (cause) {
    throw new Fault('TARGET_PROTOCOL_VIOLATION', 'no key can be agreed on with what the target sent for it', { cause });
  }
}

/**
 * Apple Remote Desktop's security type 30: name and password under AES-128 with a key from Diffie-Hellman.
 * https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#diffie-hellman-authentication
 */
export function appleResponse(
  { publicKey, shared }: AppleAgreement,
  { username, password }: { readonly username: string; readonly password: string },
): Buffer {
  const key = createHash('md5').update(shared).digest();
  const cipher = createCipheriv('aes-128-ecb', key, null);
  cipher.setAutoPadding(false);
  const sealed = Buffer.concat([cipher.update(Buffer.concat([field(username), field(password)])), cipher.final()]);
  return Buffer.concat([sealed, publicKey]);
}
