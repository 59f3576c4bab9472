import type { LocalizedText, ParameterField, ParameterValues } from '../engine/index.ts';
import type { CertificateRequest } from './certificate-authority.ts';
import type { WrappedKey } from './key-encryption.ts';
import type { Secret } from './secret.ts';

export type SecretStoreId = string;

/** Where a secret is kept outside. The credential holds this and never the value. */
export interface SecretReference {
  readonly storeId: SecretStoreId;
  readonly path: string;
  /** Of several in one place; empty for the whole of it. */
  readonly field: string;
  /** For a private key under a passphrase. */
  readonly passphraseField?: string;
}

export interface SecretStoreManifest {
  readonly kind: string;
  readonly label: LocalizedText;
  readonly parameters: readonly ParameterField[];
  /** What its own secret is called: what the gateway proves itself with there. Absent: the node has an identity of its own there. */
  readonly secret?: LocalizedText;
  /** A role is taken on there, whose owner asks for an external id. */
  readonly usesExternalId?: boolean;
  /** A place may hold one value; then no field is named. */
  readonly holdsWholeValues?: boolean;
  /**
   * It keeps one password for each machine. The path names the computer, and may be a template of the machine that is opened; the field that is asked
   * for is the credential's user name, because the password is of one account.
   */
  readonly passwordsOfMachines?: boolean;
  /** It has an authority that signs certificates. */
  readonly signsCertificates?: boolean;
}

export interface SecretStoreSettings {
  readonly id: SecretStoreId;
  readonly parameters: ParameterValues;
  readonly secret: Secret | undefined;
}

export interface SigningRequest {
  /** One line. */
  readonly publicKey: string;
  readonly request: CertificateRequest;
}

/** A store of secrets outside the product. Nothing that it answers is kept. */
export interface SecretStore {
  /**
   * The fields of one place, those that were asked for; the whole value for an empty one.
   * @throws Fault SECRET_STORE_DENIED naming what is missing, SECRET_NOT_FOUND, SECRET_STORE_UNAVAILABLE
   */
  read(path: string, fields: readonly string[], signal: AbortSignal): Promise<readonly Secret[]>;
  /** A certificate as one line, by the authority at the path. @throws Fault as above */
  sign?(path: string, asked: SigningRequest, signal: AbortSignal): Promise<string>;
}

export interface SecretStoreType {
  readonly manifest: SecretStoreManifest;
  /** Reads the settings and calls nobody. @throws Fault INVALID_REQUEST */
  open(settings: SecretStoreSettings): SecretStore;
}

/** INVARIANT: follows from the store and is chosen by nobody: a role that trusts it is read through this store alone. */
export function externalIdOfStore(id: SecretStoreId): string {
  return `enchilada-${id}`;
}

export interface SecretStoreRecord {
  readonly id: SecretStoreId;
  readonly kind: string;
  readonly name: string;
  readonly parameters: ParameterValues;
  /** Wrapped by the key-encryption key, bound to the row. */
  readonly secret: WrappedKey | undefined;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}
