export { OpenIdServer } from './openid-server.ts';
export type { OpenIdPerson } from './openid-server.ts';
export { OpenIdVisitor } from './openid-visitor.ts';
