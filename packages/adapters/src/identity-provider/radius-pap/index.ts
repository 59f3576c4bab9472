import type { ProviderType } from '@enchilada/core/identity';
import { manifest } from './radius-config.ts';

/** The code and its libraries are loaded for whoever has configured one. */
export const radius: ProviderType = {
  manifest,
  open: async (settings) => new (await import('./radius-provider.ts')).RadiusProvider(settings),
};
