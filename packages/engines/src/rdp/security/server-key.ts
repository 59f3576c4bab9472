import { createHash } from 'node:crypto';
import { joinBytes, violation } from '../codec/bytes.ts';
import { parseServerCertificate } from '../codec/server-security.ts';
import { RsaPublicKey } from './rsa-public-key.ts';

/**
 * The key that every server's certificate is signed with. Its private half is printed beside it, so a signature proves nothing but
 * that the certificate arrived whole. [MS-RDPBCGR] 5.3.3.1.1
 */
const SIGNING_KEY = {
  modulus: Buffer.from(
    '3d3a5ebd72433ec94dbbc11e4aba5fcb3e882087eff5c1e2d7b76b9af2524595' +
      'ce63656b583afeef7ce7bffe3df65c7d6c5e06091af561bb2093095f056dea87',
    'hex',
  ),
  exponent: Buffer.from('5b7b88c0', 'hex'),
};
/** What is signed behind the digest of 16 bytes: 63 bytes in all, and one that the key is longer. [MS-RDPBCGR] 5.3.3.1.2 */
const SIGNED_TAIL = Uint8Array.of(0, ...new Uint8Array(45).fill(0xff), 1, 0);

/** The key in a server's certificate. Whose it is nothing has shown. @throws Fault TARGET_PROTOCOL_VIOLATION, TARGET_NO_COMMON_ALGORITHM */
export function serverKey(certificate: Uint8Array): RsaPublicKey {
  const { key, signed, signature } = parseServerCertificate(certificate);
  const shown = new RsaPublicKey(SIGNING_KEY).encrypt(signature);
  const expected = joinBytes(createHash('md5').update(signed).digest(), SIGNED_TAIL);
  if (expected.some((byte, index) => shown[index] !== byte))
    throw violation('the signature of its certificate is wrong');
  return new RsaPublicKey(key);
}
