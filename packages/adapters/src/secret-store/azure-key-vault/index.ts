export { keyVaultSecrets } from './key-vault-secrets.ts';
