import type { AuthorizedTarget } from '../access/index.ts';
import type { CertificateSigner } from './certificate-authority.ts';
import type { SecretReference } from './secret-store.ts';
import type { Secret } from './secret.ts';

export type CredentialId = string;

/**
 * `password` and `private-key` are stored sealed. `certificate` is made for each session and never stored. `ask` is typed by the person at connect and kept for that session only.
 * `login-password` is the password the person signed in with, sealed per login.
 * `session-key` is made for one session and let in by the cloud in which the machine was found; nothing of it is stored.
 * `personal-key` is one that the gateway made for the person who opens the machine, sealed per person.
 * `launch-password` is the password that cloud made when the machine was launched; what is stored sealed is the private key that opens it.
 */
export const CREDENTIAL_KINDS = [
  'password',
  'private-key',
  'certificate',
  'ask',
  'login-password',
  'personal-key',
  'session-key',
  'launch-password',
] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** The keys are the person's own: further ones are offered in order where the one before is refused. */
export interface OwnKeys {
  readonly others: readonly Secret[];
  /** Hears which one the machine took; 0 is the first. */
  readonly accepted: (index: number) => void;
}

/** What an engine authenticates with, after unsealing or asking. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: Secret }
  | {
      readonly kind: 'private-key';
      readonly username: string;
      readonly privateKey: Secret;
      readonly passphrase?: Secret;
      readonly personal?: OwnKeys;
    }
  | {
      readonly kind: 'certificate';
      readonly username: string;
      /** In the authority's own form, as one line of text. */
      readonly certificate: string;
      readonly serial: string;
      readonly principals: readonly string[];
      readonly notAfter: number;
      /** The key exists behind this function alone, and only as long as it. */
      readonly sign: (data: Uint8Array) => Uint8Array;
    };

/** What a certificate of this credential says besides the person. */
export interface CertificateTerms {
  /** Names that the certificate is good for, as templates. None: the user name alone. */
  readonly principals: readonly string[];
  readonly minutes: number;
  /** Networks that it may be presented from; none: from everywhere. */
  readonly sourceNetworks: readonly string[];
}

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
  /** For certificates. */
  readonly terms?: CertificateTerms;
  /** Where the secret is kept outside; then nothing is sealed here. */
  readonly reference?: SecretReference;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Envelope: AES-256-GCM under a data key of its own, the data key wrapped by the key-encryption key. Both are bound to the place where it lies. */
export interface SealedBytes {
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface SealedCredential extends SealedBytes {
  /** The version of the row that it was sealed for; later versions of the row may keep it. */
  readonly version: number;
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
  /** Who signs for a credential that names an authority outside. */
  signerOf?(record: CredentialRecord, leave: AuthorizedTarget): Promise<CertificateSigner>;
}
