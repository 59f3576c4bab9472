import type { AuthorizedTarget } from '../access/index.ts';
import type { Secret } from './secret.ts';

export type CredentialId = string;

/**
 * `password` and `private-key` are stored sealed. `ask` is typed by the person at connect and kept for that session only.
 * `login-password` is the password the person signed in with, sealed per login.
 * `session-key` is made for one session and let in by the cloud in which the machine was found; nothing of it is stored.
 * `launch-password` is the password that cloud made when the machine was launched; what is stored sealed is the private key that opens it.
 */
export const CREDENTIAL_KINDS = [
  'password',
  'private-key',
  'ask',
  'login-password',
  'session-key',
  'launch-password',
] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** What an engine authenticates with, after unsealing or asking. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: Secret }
  | {
      readonly kind: 'private-key';
      readonly username: string;
      readonly privateKey: Secret;
      readonly passphrase?: Secret;
    };

/** A row of the catalog. INVARIANT: the secret parts exist only inside `sealed`. */
export interface CredentialRecord {
  readonly id: CredentialId;
  readonly name: string;
  readonly kind: CredentialKind;
  /** Empty where the person is asked for it, or where it is the person's own login name. */
  readonly username: string;
  readonly sealed: SealedCredential | undefined;
  /** For private keys: `SHA256:…` of the public half, shown in lists. */
  readonly publicFingerprint: string | undefined;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Envelope: AES-256-GCM under a data key of this row, the data key wrapped by the key-encryption key. Bound to table, row, column and version. */
export interface SealedCredential {
  readonly keyId: string;
  /** The version of the row that it was sealed for; later versions of the row may keep it. */
  readonly version: number;
  readonly wrappedKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface SealRequest {
  readonly id: CredentialId;
  readonly version: number;
  readonly password?: Secret;
  readonly privateKey?: Secret;
  readonly passphrase?: Secret;
}

/** Credentials that somebody outside makes or keeps: asked for at each connection, stored nowhere. */
export interface CredentialIssuer {
  /** @throws Fault CREDENTIAL_MISSING, MACHINE_ACCESS_DENIED and its neighbours */
  issue(record: CredentialRecord, leave: AuthorizedTarget): Promise<Credential>;
}

/** Seals what administrators enter and unseals it for one authorised target; there is no other way to a stored secret. */
export interface CredentialVault {
  seal(request: SealRequest): Promise<SealedCredential>;
  /** @throws Fault CREDENTIAL_MISSING, CREDENTIAL_UNAVAILABLE, KEY_UNAVAILABLE */
  unseal(record: CredentialRecord, leave: AuthorizedTarget): Promise<Credential>;
}
