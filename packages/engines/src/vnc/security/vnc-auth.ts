import { createCipheriv } from 'node:crypto';

/** Each byte of the key is used with its bits turned round: a slip of the first implementation that became the protocol. */
function reversed(byte: number): number {
  let out = 0;
  for (let bit = 0; bit < 8; bit++) out |= ((byte >> bit) & 1) << (7 - bit);
  return out;
}

/**
 * VNC Authentication (RFC 6143 section 7.2.2): DES under the password's first eight bytes.
 * Single DES is three times the same key in EDE; the library offers no other way to it.
 */
export function vncAuthResponse(challenge: Uint8Array, password: string): Buffer {
  const key = Buffer.alloc(8);
  Buffer.from(password, 'latin1').copy(key, 0, 0, 8);
  for (const [index, byte] of key.entries()) key[index] = reversed(byte);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}
