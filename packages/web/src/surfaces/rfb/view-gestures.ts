import type { RfbClient } from './rfb-client.ts';

interface Gesture {
  readonly type: string;
  readonly clientX: number;
  readonly clientY: number;
  readonly magnitudeX: number;
  readonly magnitudeY: number;
}

/** noVNC tells its gestures by events on the canvas, so that whoever listens above it hears of them first. */
const EVENTS = ['gesturestart', 'gesturemove', 'gestureend'] as const;

/**
 * Pinching looks closer, and two fingers move a picture that is cut: noVNC would turn the machine's wheel for both, and a phone would
 * never show more than it shows at first.
 */
export function listenForViewGestures(
  host: HTMLElement,
  client: () => RfbClient | undefined,
  signal: AbortSignal,
): void {
  let last = { x: 0, y: 0 };
  const listen = (event: Event): void => {
    const { type, clientX, clientY, magnitudeX: x, magnitudeY: y } = (event as CustomEvent<Gesture>).detail;
    const viewer = client();
    if (viewer === undefined || !(type === 'pinch' || (type === 'twodrag' && viewer.zoom.isCut))) return;
    event.stopPropagation();
    if (event.type === 'gesturemove') {
      if (type === 'twodrag') viewer.zoom.pan(x - last.x, y - last.y);
      else viewer.zoom.by(Math.hypot(x, y) / Math.max(1, Math.hypot(last.x, last.y)), { x: clientX, y: clientY });
    }
    last = { x, y };
  };
  for (const type of EVENTS) host.addEventListener(type, listen, { capture: true, signal });
}
