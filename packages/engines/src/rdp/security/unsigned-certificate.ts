import { ascii, joinBytes } from '../codec/bytes.ts';
import { der, explicit, integer, sequence, utf8String } from '../codec/der.ts';

/** id-alg-unsigned. RFC 9925 section 3.1 */
const UNSIGNED = sequence(der(0x06, Uint8Array.of(0x2b, 6, 1, 5, 5, 7, 6, 36)));
const COMMON_NAME = der(0x06, Uint8Array.of(0x55, 4, 3));
/** From 1970 without end. RFC 5280 section 4.1.2.5 */
const VALIDITY = sequence(der(0x17, ascii('700101000000Z')), der(0x18, ascii('99991231235959Z')));

/**
 * A key as a certificate that nobody signed, for decoders that know servers with TLS alone and read the key of one.
 * RFC 9925, RFC 5280 section 4.1
 * @param spki SubjectPublicKeyInfo
 */
export function unsignedCertificate(commonName: string, spki: Uint8Array): Buffer {
  const name = sequence(der(0x31, sequence(COMMON_NAME, utf8String(commonName))));
  const content = sequence(explicit(0, integer(2)), integer(1), UNSIGNED, name, VALIDITY, name, spki);
  return Buffer.from(sequence(content, UNSIGNED, der(0x03, joinBytes(Uint8Array.of(0)))));
}
