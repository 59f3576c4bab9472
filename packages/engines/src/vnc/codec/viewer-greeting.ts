import { Fault } from '@enchilada/core/fault';

const VERSION = new TextEncoder().encode('RFB 003.008\n');
const SECURITY_NONE = 1;
/** RFC 6143 sections 7.1.2 and 7.1.3: one security type, its success. */
const BEFORE_INIT = [1, SECURITY_NONE, 0, 0, 0, 0];
/** What the viewer answers: its version, the type it chose, ClientInit. */
const ANSWER_BYTES = VERSION.length + 2;

/**
 * The gateway's own greeting toward a viewer: RFB 3.8 without security, since the viewer has signed in to the gateway.
 * All of it is sent at once; what the viewer answers can only be one thing. The version is a message of its own: noVNC 1.7
 * looks no further than that in the message that brings it.
 */
export function viewerGreeting(serverInit: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [VERSION.slice(), Uint8Array.from([...BEFORE_INIT, ...serverInit])];
}

/** Takes the viewer's answer out of its stream. */
export class ViewerAnswer {
  #left = ANSWER_BYTES;

  /** What lies behind the answer. @throws Fault PROTOCOL_MESSAGE_INVALID */
  push(bytes: Uint8Array): Uint8Array {
    let at = 0;
    for (; at < bytes.length && this.#left > 0; at++, this.#left--) {
      const place = ANSWER_BYTES - this.#left;
      const expected = place < VERSION.length ? VERSION[place] : place === VERSION.length ? SECURITY_NONE : undefined;
      if (expected !== undefined && bytes[at] !== expected)
        throw new Fault('PROTOCOL_MESSAGE_INVALID', `the viewer's greeting differs at byte ${place}`);
    }
    return bytes.subarray(at);
  }
}
