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
