export { ldap } from './ldap-provider.ts';
