import { constants, createPublicKey, publicEncrypt, type KeyObject } from 'node:crypto';
import { violation } from '../codec/bytes.ts';
import type { RsaNumbers } from '../codec/server-security.ts';

const bigEndian = (number: Uint8Array): Buffer => Buffer.from(number).reverse();

/** Of a server that speaks RDP's own encryption. @throws Fault TARGET_PROTOCOL_VIOLATION where the numbers are no key */
export class RsaPublicKey {
  /** SubjectPublicKeyInfo in DER. RFC 5280 section 4.1.2.7 */
  readonly spki: Buffer;
  readonly bytes: number;
  readonly #key: KeyObject;

  constructor({ modulus, exponent }: RsaNumbers) {
    if (modulus.at(-1) === 0) throw violation('a key of fewer bits than it says');
    const [n, e] = [modulus, exponent].map((number) => bigEndian(number).toString('base64url'));
    try {
      this.#key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: n ?? '', e: e ?? '' } });
      this.spki = this.#key.export({ type: 'spki', format: 'der' });
    } catch {
      throw violation('a key that is none');
    }
    this.bytes = modulus.length;
  }

  /** message^e mod n, without padding and little endian; the message may be shorter than the key. [MS-RDPBCGR] 5.3.4.1 */
  encrypt(message: Uint8Array): Uint8Array {
    const block = Buffer.alloc(this.bytes);
    block.set(bigEndian(message), this.bytes - message.length);
    try {
      return bigEndian(publicEncrypt({ key: this.#key, padding: constants.RSA_NO_PADDING }, block));
    } catch {
      throw violation('a key that nothing can be encrypted with');
    }
  }
}
