import type { ProviderType } from '@enchilada/core/identity';
import { manifest } from './ldap-config.ts';

/** The code and its libraries are loaded for whoever has configured one. */
export const ldap: ProviderType = {
  manifest,
  open: async (settings) => new (await import('./ldap-provider.ts')).LdapProvider(settings),
};
