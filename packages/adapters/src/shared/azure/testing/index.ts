export { KeyVaultStandIn } from './key-vault-stand-in.ts';
