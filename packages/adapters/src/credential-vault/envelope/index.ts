export { envelopeVault } from './envelope-vault.ts';
