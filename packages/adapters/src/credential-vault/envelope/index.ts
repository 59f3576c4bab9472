export { envelopeKeys } from './envelope-keys.ts';
export { envelopeVault } from './envelope-vault.ts';
export { bindingOfEnvelope } from './envelope-places.ts';
export { envelopeRows } from './envelope-rows.ts';
