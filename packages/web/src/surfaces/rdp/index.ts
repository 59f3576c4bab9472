import type { DesktopSurfaceFactory } from '../../session/desktop/desktop-surface.ts';
import { RdpSurface } from './rdp-surface.ts';

export const createRdpSurface: DesktopSurfaceFactory = (host, events, options) => new RdpSurface(host, events, options);
