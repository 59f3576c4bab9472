import type { Attached, DataPort, Redeemed, SessionBroker } from '@enchilada/core/session';
import { isFault } from '@enchilada/core/fault';
import type { RawData, WebSocket } from 'ws';

/** Application close codes (RFC 6455 section 7.4.2). */
export const CLOSE = { protocol: 1002, unsupported: 1003, goingAway: 1001, normal: 1000, failed: 1011, refused: 4403 } as const;

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

class SocketPort implements DataPort {
  readonly #client: WebSocket;
  readonly #sent = (): void => {
    this.#drained();
  };
  #drained: () => void = () => undefined;

  constructor(client: WebSocket) {
    this.#client = client;
  }

  get bufferedBytes(): number {
    return this.#client.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.#client.readyState === this.#client.OPEN) this.#client.send(bytes, this.#sent);
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
    this.#client.close(CLOSE.normal);
  }
}
