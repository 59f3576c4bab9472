import type { KeyStrokes } from '@enchilada/contract';
import { codeOfScancode } from '../surfaces/rdp/scancodes.ts';
import { meaningOfKeysym } from '../surfaces/shared/keysyms.ts';
import type { Stage } from './stage.ts';

type CreateStage = (host: HTMLElement) => Stage;

/** Surfaces with a decoder of their own, loaded when a recording needs it. Any other is a terminal. */
export const desktopStages: Readonly<Record<string, (() => Promise<CreateStage>) | undefined>> = {
  rfb: async () => {
    const { RfbStage } = await import('../surfaces/rfb/rfb-stage.ts');
    return (host) => new RfbStage(host);
  },
  guacamole: async () => {
    const { GuacamoleStage } = await import('../surfaces/guacamole/guacamole-stage.ts');
    return (host) => new GuacamoleStage(host);
  },
  rdp: async () => {
    const { RdpStage } = await import('../surfaces/rdp/rdp-stage.ts');
    return (host) => new RdpStage(host);
  },
};

/** A character, or the place of a key on the keyboard. */
export type KeyMeaning = { readonly character: string } | { readonly code: string };

export function meaningOfKey({ code, value }: Pick<KeyStrokes['items'][number], 'code' | 'value'>): KeyMeaning {
  const unknown = { code: `0x${value.toString(16)}` };
  switch (code) {
    case 'character':
      return { character: String.fromCharCode(value) };
    case 'keysym':
      return meaningOfKeysym(value) ?? unknown;
    case 'scancode':
      return { code: codeOfScancode(value) ?? unknown.code };
  }
}
