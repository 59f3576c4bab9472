import { createPublicKey, hash, verify } from 'node:crypto';
import type { VerifyCrypto } from '@enchilada/core/recording';

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** SHA-256 of the parts one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return hash('sha256', parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts), 'buffer');
}

export const verifyCrypto: VerifyCrypto = {
  sha256,
  verifyEd25519(publicKey, message, signature) {
    try {
      return verify(
        undefined,
        message,
        createPublicKey({ key: Buffer.concat([ED25519_SPKI, publicKey]), format: 'der', type: 'spki' }),
        signature,
      );
    } catch {
      // A key or signature that is none proves nothing.
      return false;
    }
  },
};

/** Ties a data key to its recording: AES-GCM alone lets one ciphertext open under several keys. */
export function keyCommitment(key: Uint8Array): Buffer {
  return sha256(Buffer.from('kc'), key);
}
