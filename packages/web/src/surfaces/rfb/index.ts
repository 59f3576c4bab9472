import type { DesktopSurfaceFactory } from '../../session/desktop/desktop-surface.ts';
import { RfbSurface } from './rfb-surface.ts';

export const createRfbSurface: DesktopSurfaceFactory = (host, events, options) => new RfbSurface(host, events, options);
