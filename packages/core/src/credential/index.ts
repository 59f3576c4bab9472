export { Secret, SecretBytes } from './secret.ts';
export { CREDENTIAL_KINDS } from './credential.ts';
export type {
  Credential,
  CredentialIssuer,
  CredentialKind,
  CredentialRecord,
  CredentialId,
  CredentialVault,
  SealedCredential,
  SealRequest,
} from './credential.ts';
export { joinWrappedKey, splitWrappedKey } from './key-encryption.ts';
export type { KeyEncryption, WrappedKey } from './key-encryption.ts';
