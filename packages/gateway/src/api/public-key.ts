import { createHash, X509Certificate } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';

export interface ParsedPublicKey {
  readonly keyType: string;
  readonly key: Uint8Array;
  readonly fingerprint: string;
}

const LONGEST_KEY_BYTES = 8192;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/u;

/**
 * A certificate in PEM, the first of several (https://www.rfc-editor.org/rfc/rfc7468#section-5), or one public key as `known_hosts`, `ssh-keyscan` and `.pub` files hold it: the word before the base64 is the type, which the blob repeats as its first
 * string (https://www.rfc-editor.org/rfc/rfc4253#section-6.6). @throws Fault INVALID_REQUEST
 */
export function parsePublicKey(text: string): ParsedPublicKey {
  const [pem] = PEM_CERTIFICATE.exec(text) ?? [];
  if (pem !== undefined) return { keyType: 'x509', ...fingerprinted(certificateIn(pem)) };
  const lines = text.split(/\r?\n/u).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const words = (lines[0] ?? '').trim().split(/\s+/u);
  for (const [index, word] of words.entries()) {
    const keyType = words[index - 1];
    if (keyType === undefined || !/^[A-Za-z0-9+/]{40,}={0,2}$/u.test(word)) continue;
    const key = Buffer.from(word, 'base64');
    const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
    if (
      key.length > LONGEST_KEY_BYTES ||
      key.subarray(4, 4 + length).toString('latin1') !== keyType ||
      key.length <= 4 + length
    )
      continue;
    return { keyType, ...fingerprinted(key) };
  }
  throw unreadable(
    'publicKey must be a line with a key type and base64, as known_hosts holds it, or a certificate in PEM',
  );
}

function fingerprinted(key: Uint8Array): Pick<ParsedPublicKey, 'key' | 'fingerprint'> {
  const digest = createHash('sha256').update(key).digest('base64').replaceAll('=', '');
  return { key: new Uint8Array(key), fingerprint: `SHA256:${digest}` };
}

function certificateIn(pem: string): Uint8Array {
  try {
    return new X509Certificate(pem).raw;
  } catch {
    throw unreadable('publicKey holds what says it is a certificate and is none');
  }
}

function unreadable(why: string): Fault {
  return new Fault('INVALID_REQUEST', why, { facts: { field: 'body/publicKey' } });
}
