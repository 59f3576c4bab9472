export { OpenIdServer } from './openid-server.ts';
export type { OpenIdPerson } from './openid-server.ts';
