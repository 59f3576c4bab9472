export { Secret, SecretBytes } from './secret.ts';
export { CREDENTIAL_KINDS } from './credential.ts';
export type {
  CertificateTerms,
  Credential,
  CredentialIssuer,
  CredentialKind,
  CredentialRecord,
  CredentialId,
  CredentialVault,
  SealedBytes,
  SealedCredential,
  SealRequest,
} from './credential.ts';
export { joinWrappedKey, splitWrappedKey } from './key-encryption.ts';
export type { KeyEncryption, KeyServiceState, KeyServiceType, WrappedKey } from './key-encryption.ts';
export { AUTHORITY_KEY_STATES } from './certificate-authority.ts';
export type {
  AuthorityKey,
  AuthorityKeySealer,
  AuthorityKeyState,
  CertificateAuthority,
  CertificateRequest,
  CertificateSigner,
  IssuedCertificate,
} from './certificate-authority.ts';
export { MOST_CERTIFICATE_MINUTES, certificateRequest } from './certificate-terms.ts';
export type { CertificateHolder } from './certificate-terms.ts';
export { fillPlace, isPlacedByGivenName, placeProblem } from './secret-place.ts';
export type { NamedMachine } from './secret-place.ts';
export { MOST_PERSONAL_KEYS } from './personal-key.ts';
export type { PersonalKey, PersonalKeyId } from './personal-key.ts';
export type { RowSealer, SealedRow, SealedRowKind } from './row-sealer.ts';
export { externalIdOfStore } from './secret-store.ts';
export type {
  SecretReference,
  SecretStore,
  SecretStoreId,
  SecretStoreManifest,
  SecretStoreRecord,
  SecretStoreSettings,
  SecretStoreType,
  SigningRequest,
} from './secret-store.ts';
export { fillTemplate, isFitValue, requireOwnName, templateProblem } from './user-name.ts';
export type { NamedPerson } from './user-name.ts';
