import { X509Certificate } from 'node:crypto';

const SMALLEST_KEY = 2_048;

/** A certificate as metadata writes it. Undefined where it is none, or holds no key that we accept. */
export function readCertificate(base64: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(Buffer.from(base64.replaceAll(/\s+/gu, ''), 'base64'));
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    const isUsable = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= SMALLEST_KEY;
    return isUsable ? certificate : undefined;
  } catch {
    return undefined;
  }
}
