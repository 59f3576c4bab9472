import type { PixelFormat, Size } from './wire.ts';

/** What both directions of one RFB connection agree on. */
export interface RfbState {
  size: Size;
  format: PixelFormat;
  /** The server takes SetDesktopSize. */
  extendedDesktopSize: boolean;
  /** The server takes pointer events with a ninth button and more. */
  extendedMouseButtons: boolean;
  continuousUpdates: boolean;
}

export function startingState(size: Size, format: PixelFormat): RfbState {
  return { size, format, extendedDesktopSize: false, extendedMouseButtons: false, continuousUpdates: false };
}
