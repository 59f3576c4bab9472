import type { DesktopKind } from '../../session/desktop/desktop-surface.ts';
import { GuacamoleSurface } from './guacamole-surface.ts';

export const guacamoleDesktop: DesktopKind = {
  create: (host, events, options) => new GuacamoleSurface(host, events, options),
  keyboardLayouts: [],
};
