import type { ProviderType } from '@enchilada/core/identity';
import type { Clock } from '@enchilada/core/time';
import { manifest } from './radius-config.ts';

/** The code and its libraries are loaded for whoever has configured one. */
export function radius({ clock }: { readonly clock: Clock }): ProviderType {
  return {
    manifest,
    open: async (settings) => new (await import('./radius-provider.ts')).RadiusProvider(settings, clock),
  };
}
