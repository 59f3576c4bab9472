import { createCipheriv, createDiffieHellman, createHash, randomBytes } from 'node:crypto';

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

/**
 * Apple Remote Desktop's security type 30: name and password under AES-128 with a key from Diffie-Hellman.
 * https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#diffie-hellman-authentication
 */
export function appleResponse(
  { generator, prime, serverKey }: AppleChallenge,
  { username, password }: { readonly username: string; readonly password: string },
): Buffer {
  const own = createDiffieHellman(Buffer.from(prime), Buffer.from([generator >> 8, generator & 0xff]));
  const publicKey = own.generateKeys();
  const shared = own.computeSecret(serverKey);
  const padded = (key: Buffer): Buffer => Buffer.concat([Buffer.alloc(prime.length - key.length), key]);
  const key = createHash('md5').update(padded(shared)).digest();
  const cipher = createCipheriv('aes-128-ecb', key, null);
  cipher.setAutoPadding(false);
  const sealed = Buffer.concat([cipher.update(Buffer.concat([field(username), field(password)])), cipher.final()]);
  return Buffer.concat([sealed, padded(publicKey)]);
}
