import { Fault } from '@enchilada/core/fault';
import { indexOfBytes, ascii, readU16, readU32, violation } from './bytes.ts';

/** encryptionMethods. [MS-RDPBCGR] 2.2.1.3.3 */
export const METHOD = { rc4With40Bits: 0x01, rc4With128Bits: 0x02, rc4With56Bits: 0x08, fips: 0x10 } as const;
/** encryptionLevel. Low: the client encrypts, the server does not. [MS-RDPBCGR] 2.2.1.4.3 */
export const LEVEL = { none: 0, low: 1, clientCompatible: 2, high: 3, fips: 4 } as const;

export const RANDOM_BYTES = 32;
const HEAD_BYTES = 20;

/** What a server without TLS says of its encryption. [MS-RDPBCGR] 2.2.1.4.3 */
export interface ServerSecurity {
  readonly method: number;
  readonly level: number;
  /** Of 32 bytes; empty, as the certificate, where nothing is encrypted. */
  readonly random: Uint8Array;
  readonly certificate: Uint8Array;
}

/** TS_UD_SC_SEC1, with its head of four bytes. @throws Fault TARGET_PROTOCOL_VIOLATION */
export function parseServerSecurity(block: Uint8Array): ServerSecurity {
  if (block.length < 12) throw violation('its security data end early');
  const [method, level] = [readU32(block, 4), readU32(block, 8)];
  const nothing = block.subarray(0, 0);
  if (method === 0 && level === LEVEL.none) return { method, level, random: nothing, certificate: nothing };
  if (block.length < HEAD_BYTES) throw violation('its security data end early');
  const [randomBytes, certificateBytes] = [readU32(block, 12), readU32(block, 16)];
  if (randomBytes !== RANDOM_BYTES) throw violation(`a random of ${randomBytes} bytes where ${RANDOM_BYTES} are due`);
  const behind = HEAD_BYTES + randomBytes;
  if (behind + certificateBytes > block.length) throw violation('its certificate ends early');
  return {
    method,
    level,
    random: block.slice(HEAD_BYTES, behind),
    certificate: block.slice(behind, behind + certificateBytes),
  };
}

/** Makes the block that of a server which leaves encryption to TLS. In place. */
export function withoutEncryption(block: Uint8Array): void {
  block.fill(0, 4, 12);
}

/** Little endian, as everything of RDP's own encryption. */
export interface RsaNumbers {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export interface ServerCertificate {
  readonly key: RsaNumbers;
  /** What the signature is over. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

const VERSION = { proprietary: 1, chain: 2 } as const;
/** The uppermost bit says that the certificate is a temporary one. */
const VERSION_BITS = 0x7fff_ffff;
const RSA = 1;
const BLOB = { key: 6, signature: 8 } as const;
const [BLOB_AT, MODULUS_AT] = [16, 36];
/** What blobs have behind their number. */
const PADDING_BYTES = 8;
const [FEWEST_MODULUS_BYTES, MOST_MODULUS_BYTES] = [512 / 8, 8192 / 8];
const SIGNATURE_BYTES = 64;

/** A server proprietary certificate. [MS-RDPBCGR] 2.2.1.4.3.1.1. @throws Fault TARGET_PROTOCOL_VIOLATION, TARGET_NO_COMMON_ALGORITHM */
export function parseServerCertificate(bytes: Uint8Array): ServerCertificate {
  const version = readU32(bytes, 0) & VERSION_BITS;
  if (version === VERSION.chain)
    throw new Fault(
      'TARGET_NO_COMMON_ALGORITHM',
      'the target shows a certificate of its licence server in place of its own, which is not spoken here',
    );
  if (bytes.length < MODULUS_AT || version !== VERSION.proprietary) throw violation('its certificate is none');
  if (readU32(bytes, 4) !== RSA || readU32(bytes, 8) !== RSA) throw violation('its certificate is not one of RSA');
  const blobBytes = readU16(bytes, 14);
  const modulusBytes = readU32(bytes, 20) - PADDING_BYTES;
  const signatureAt = BLOB_AT + blobBytes;
  if (readU16(bytes, 12) !== BLOB.key || indexOfBytes(bytes.subarray(BLOB_AT, BLOB_AT + 4), ascii('RSA1')) !== 0)
    throw violation('its certificate has no key');
  if (
    modulusBytes < FEWEST_MODULUS_BYTES ||
    modulusBytes > MOST_MODULUS_BYTES ||
    readU32(bytes, 24) !== modulusBytes * 8
  )
    throw violation(`a key of ${modulusBytes * 8} bits`);
  if (blobBytes !== MODULUS_AT - BLOB_AT + modulusBytes + PADDING_BYTES || signatureAt + 4 > bytes.length)
    throw violation('its certificate ends within its key');
  const signatureBytes = readU16(bytes, signatureAt + 2);
  const signature = bytes.subarray(signatureAt + 4, signatureAt + 4 + SIGNATURE_BYTES);
  if (
    readU16(bytes, signatureAt) !== BLOB.signature ||
    signatureBytes !== SIGNATURE_BYTES + PADDING_BYTES ||
    signatureAt + 4 + signatureBytes > bytes.length
  )
    throw violation('its certificate has no signature');
  return {
    key: { modulus: bytes.subarray(MODULUS_AT, MODULUS_AT + modulusBytes), exponent: bytes.subarray(32, MODULUS_AT) },
    signed: bytes.subarray(0, signatureAt),
    signature,
  };
}
