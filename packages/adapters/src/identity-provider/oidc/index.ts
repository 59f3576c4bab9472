export { oidc } from './oidc-provider.ts';
