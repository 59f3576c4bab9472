export { hashicorpVault } from './vault-store.ts';
