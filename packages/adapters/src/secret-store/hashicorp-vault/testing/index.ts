export { VaultStandIn } from './vault-stand-in.ts';
