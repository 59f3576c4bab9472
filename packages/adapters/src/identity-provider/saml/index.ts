export { saml } from './saml-provider.ts';
