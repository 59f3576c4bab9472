import type { ProviderType } from '@enchilada/core/identity';
import { manifest } from './oidc-config.ts';

/** The code and its libraries are loaded for whoever has configured one. */
export const oidc: ProviderType = {
  manifest,
  open: async (settings) => new (await import('./oidc-provider.ts')).OidcProvider(settings),
};
