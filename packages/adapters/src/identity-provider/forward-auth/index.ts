import type { ProviderType } from '@enchilada/core/identity';
import { manifest } from './forward-auth-config.ts';

/** The code and its libraries are loaded for whoever has configured one. */
export const forwardAuth: ProviderType = {
  manifest,
  open: async (settings) => new (await import('./forward-auth-provider.ts')).TrustedProxy(settings),
};
