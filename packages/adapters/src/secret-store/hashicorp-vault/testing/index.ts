export { type SigningBody, VaultStandIn } from './vault-stand-in.ts';
