export { vaultTransit } from './vault-transit.ts';
