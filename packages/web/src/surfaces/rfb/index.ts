import type { DesktopKind } from '../../session/desktop/desktop-surface.ts';
import { RfbSurface } from './rfb-surface.ts';

export const rfbDesktop: DesktopKind = {
  create: (host, events, options) => new RfbSurface(host, events, options),
  keyboardLayouts: [],
};
