import type { LocalizedText } from '../engine/index.ts';
import type { SealedBytes } from './credential.ts';
import type { SecretBytes } from './secret.ts';

export const AUTHORITY_KEY_STATES = ['next', 'current', 'previous'] as const;
/** `current` signs. Machines trust `next` before it does, and `previous` until nothing that it signed is valid any more. */
export type AuthorityKeyState = (typeof AUTHORITY_KEY_STATES)[number];

/** A signing key of the authority. INVARIANT: the private half exists only inside `sealed`, and at most one key has each state. */
export interface AuthorityKey {
  readonly id: string;
  readonly state: AuthorityKeyState;
  /** One line, as machines are told to trust it. */
  readonly publicKey: string;
  readonly fingerprint: string;
  readonly sealed: SealedBytes;
  readonly createdAt: number;
}

/** Seals signing keys, each bound to its row. */
export interface AuthorityKeySealer {
  seal(id: string, key: SecretBytes): Promise<SealedBytes>;
  /** @throws Fault CREDENTIAL_UNAVAILABLE, KEY_UNAVAILABLE */
  open(id: string, sealed: SealedBytes): Promise<SecretBytes>;
}

export interface CertificateRequest {
  /** Who and for what; machines write it into their logs. */
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly sourceNetworks: readonly string[];
  /** `passage`: connections are passed on to another machine, and nothing is run on this one. */
  readonly purpose: 'session' | 'passage';
}

export interface IssuedCertificate {
  /** Decimal. */
  readonly serial: string;
  readonly certificate: string;
  /** Fingerprint of the key that signed it. */
  readonly authority: string;
  readonly sign: (data: Uint8Array) => Uint8Array;
}

/** An authority outside, which signs by rules of its own. */
export interface CertificateSigner {
  /**
   * @param publicKey one line
   * @returns the certificate, one line; not believed to be what was asked for
   */
  sign(publicKey: string, request: CertificateRequest): Promise<string>;
}

/** Makes key pairs that live for one session, and certificates for them. */
export interface CertificateAuthority {
  /**
   * Signs with its own key, or has somebody outside sign.
   * @throws Fault CREDENTIAL_MISSING where there is no signing key yet, KEY_UNAVAILABLE, CREDENTIAL_UNAVAILABLE, SECRET_STORE_DENIED where the one outside signed something else
   */
  issue(request: CertificateRequest, signer?: CertificateSigner): Promise<IssuedCertificate>;
  /** A new signing key, sealed and not stored yet. */
  makeKey(state: 'current' | 'next'): Promise<AuthorityKey>;
  /** What a machine's administrator does so that the machine trusts these keys, step by step. */
  trust(keys: readonly Pick<AuthorityKey, 'publicKey' | 'state'>[]): {
    readonly file: string;
    readonly steps: LocalizedText;
  };
}
