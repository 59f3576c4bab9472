import type { DesktopKind } from '../../session/desktop/desktop-surface.ts';
import { KEYBOARD_LAYOUTS } from './keyboard-layouts.ts';
import { RdpSurface } from './rdp-surface.ts';

export const rdpDesktop: DesktopKind = {
  create: (host, events, options) => new RdpSurface(host, events, options),
  keyboardLayouts: Object.keys(KEYBOARD_LAYOUTS),
};
