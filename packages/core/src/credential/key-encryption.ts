import type { SecretBytes } from './secret.ts';

export interface WrappedKey {
  readonly keyId: string;
  readonly bytes: Uint8Array;
}

/** What a service that holds a key last did, as this process saw it. */
export interface KeyServiceState {
  /** Of the last call that it answered. */
  readonly answeredAt?: number;
  /** Of the last call, where that one failed. */
  readonly failure?: { readonly at: number; readonly reason: string };
}

/** The key-encryption key, wherever it lives: a file of mode 0600, or a key management service. */
export interface KeyEncryption {
  /** Of the key that wraps. */
  readonly keyId: string;
  /** The ids of all keys that unwrap, that one among them. */
  readonly opens: readonly string[];
  /** Undefined where no service is called. */
  readonly service?: KeyServiceState;
  /** @param context is bound into the result; unwrapping with another context fails. */
  wrap(key: SecretBytes, context: string): Promise<WrappedKey>;
  /** @throws Fault KEY_UNAVAILABLE */
  unwrap(wrapped: WrappedKey, context: string): Promise<SecretBytes>;
}

/** A key management service that may hold the key-encryption key. */
export interface KeyServiceType {
  /** What its addresses in the configuration begin with. */
  readonly scheme: string;
  /** As its maker calls it in every language. */
  readonly label: string;
  /** Reads the address and calls nobody. @throws Fault CONFIGURATION_INVALID where the address is none of its own */
  open(address: string): Promise<KeyEncryption>;
}

/** AES-256-GCM under the key-encryption key, the context as additional data. */
export interface WrappedKeyParts {
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
  readonly tag: Uint8Array;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** How a key file's wrapping is laid out: nonce ‖ ciphertext ‖ tag. The offline verifier reads it too. */
export function joinWrappedKey({ nonce, sealed, tag }: WrappedKeyParts): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(NONCE_BYTES + sealed.length + TAG_BYTES);
  out.set(nonce, 0);
  out.set(sealed, NONCE_BYTES);
  out.set(tag, NONCE_BYTES + sealed.length);
  return out;
}

export function splitWrappedKey(bytes: Uint8Array): WrappedKeyParts | undefined {
  if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
  const end = bytes.length - TAG_BYTES;
  return { nonce: bytes.subarray(0, NONCE_BYTES), sealed: bytes.subarray(NONCE_BYTES, end), tag: bytes.subarray(end) };
}
