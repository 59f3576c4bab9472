export { envelopeVault } from './envelope-vault.ts';
export { envelopeKeys } from './envelope-keys.ts';
