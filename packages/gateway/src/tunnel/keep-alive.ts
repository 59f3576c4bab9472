import type { WebSocket } from 'ws';

/** Below the idle limits of load balancers (four minutes) and of most firewalls. */
const PING_MS = 25_000;

/**
 * Pings (RFC 6455 section 5.5.2) keep middleboxes from closing an idle socket; two unanswered ones in a row end it.
 * INVARIANT: no answer is missed that could not come. A socket that is paused for a slow target is not listened to, and a ping behind output that the
 * browser does not take has not been heard: such a viewer is given its time and told why by the session (VIEWER_STALLED).
 */
export function keepAlive(client: WebSocket): void {
  let unanswered = 0;
  client.on('pong', () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    if (client.isPaused || client.bufferedAmount > 0) return;
    if (unanswered >= 2) {
      client.terminate();
      return;
    }
    unanswered += 1;
    client.ping();
  }, PING_MS);
  timer.unref();
  client.on('close', () => {
    clearInterval(timer);
  });
  client.on('error', () => undefined);
}
