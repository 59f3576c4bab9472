import type { SecretBytes } from './secret.ts';

export interface WrappedKey {
  readonly keyId: string;
  readonly bytes: Uint8Array;
}

/** The key-encryption key, wherever it lives: a file of mode 0600, or a key management service. */
export interface KeyEncryption {
  readonly keyId: string;
  /** @param context is bound into the result; unwrapping with another context fails. */
  wrap(key: SecretBytes, context: string): Promise<WrappedKey>;
  /** @throws Fault KEY_UNAVAILABLE */
  unwrap(wrapped: WrappedKey, context: string): Promise<SecretBytes>;
}
