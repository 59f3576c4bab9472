export { envelopeVault } from './envelope-vault.ts';
export type { EnvelopeVaultParts } from './envelope-vault.ts';
