import type { Attached, DataPort, Redeemed, SessionBroker } from '@enchilada/core/session';
import { isFault } from '@enchilada/core/fault';
import type { RawData, WebSocket } from 'ws';

/** Application close codes (RFC 6455 section 7.4.2). */
export const CLOSE = {
  protocol: 1002,
  unsupported: 1003,
  goingAway: 1001,
  normal: 1000,
  failed: 1011,
  refused: 4403,
} as const;

export interface DataSocketParts {
  readonly broker: SessionBroker;
  readonly redeemed: Redeemed;
}

/** Joins one data socket to its viewer. Bytes go through untouched in both directions. */
export function carryData(client: WebSocket, parts: DataSocketParts): void {
  let attached: Attached;
  const port = new SocketPort(client);
  try {
    attached = parts.broker.attachData(parts.redeemed, port);
  } catch (failure) {
    client.close(CLOSE.refused, isFault(failure) ? failure.code : 'INTERNAL');
    return;
  }
  const { session, viewer } = attached;
  client.on('message', (message: RawData, isBinary: boolean) => {
    if (!isBinary || !(message instanceof Buffer)) {
      client.close(CLOSE.unsupported, 'PROTOCOL_MESSAGE_INVALID');
      return;
    }
    session.input(viewer, message);
  });
  client.on('close', () => {
    // The two sockets of a viewer come and go together.
    if (viewer.data === port) {
      viewer.data = undefined;
      viewer.control.close();
    }
  });
}

/** A frame larger than this saves nothing, and is held whole by the browser. */
const FRAME_BYTES = 64 * 1024;

class SocketPort implements DataPort {
  readonly #client: WebSocket;
  readonly #sent = (): void => {
    this.#drained();
  };
  readonly flush = (): void => {
    const { length } = this.#waiting;
    if (length === 0) return;
    const [first] = this.#waiting;
    const frame = length === 1 && first !== undefined ? first : Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#client.readyState === this.#client.OPEN) this.#client.send(frame, this.#sent);
  };
  #drained: () => void = () => undefined;
  /** What was sent since the microtasks began to run: a target's small packets that came in one read leave in one frame. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(client: WebSocket) {
    this.#client = client;
  }

  get bufferedBytes(): number {
    return this.#client.bufferedAmount + this.#waitingBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#client.readyState !== this.#client.OPEN) return;
    if (this.#waiting.length === 0) queueMicrotask(this.flush);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= FRAME_BYTES) this.flush();
  }

  onDrain(drained: () => void): void {
    this.#drained = drained;
  }

  pauseInput(): void {
    this.#client.pause();
  }

  resumeInput(): void {
    this.#client.resume();
  }

  close(): void {
    this.flush();
    // A paused socket would not hear the other side's close.
    this.#client.resume();
    this.#client.close(CLOSE.normal);
  }
}
