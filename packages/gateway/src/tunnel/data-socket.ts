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

/**
 * What a socket is handed at once, unless one message alone has more. The TLS layer keeps buffers of the largest it was ever handed for as long as the
 * socket is open (docs/performance.md): a session that shows little keeps to one TLS record (RFC 8446 section 5.1) with its WebSocket header, and one
 * that floods, for which larger portions cost a third less, is paid for while it is idle afterwards.
 */
const [PORTION_BYTES, FLOOD_PORTION_BYTES] = [16 * 1024 - 4, 32 * 1024];
/** A session floods once it has shown so much. */
const FLOOD_BYTES = 1024 * 1024;

class SocketPort implements DataPort {
  readonly #client: WebSocket;
  /** What may still leave as one message: a target's small packets that came in one read, or while the network was busy. */
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Whole messages that wait for the network. */
  readonly #sealed: Uint8Array[] = [];
  #sealedBytes = 0;
  /** Lengths of the messages that the socket was handed and has not written. Pings are not among them: nothing calls back for those. */
  readonly #handed: number[] = [];
  #handedBytes = 0;
  #shownBytes = 0;
  #isScheduled = false;
  #drained: () => void = () => undefined;
  readonly #sent = (): void => {
    this.#handedBytes -= this.#handed.shift() ?? 0;
    this.#passOn();
    this.#drained();
  };
  readonly #atEndOfTurn = (): void => {
    this.#isScheduled = false;
    this.#passOn();
  };

  constructor(client: WebSocket) {
    this.#client = client;
  }

  get #portionBytes(): number {
    return this.#shownBytes < FLOOD_BYTES ? PORTION_BYTES : FLOOD_PORTION_BYTES;
  }

  get bufferedBytes(): number {
    return this.#handedBytes + this.#sealedBytes + this.#gatheredBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#client.readyState !== this.#client.OPEN) return;
    if (this.#gatheredBytes + bytes.length > this.#portionBytes) this.#seal();
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#atEndOfTurn);
  }

  flush(): void {
    this.#seal();
    this.#passOn();
  }

  #seal(): void {
    const [first] = this.#gathered;
    if (first === undefined) return;
    this.#sealed.push(this.#gathered.length === 1 ? first : Buffer.concat(this.#gathered, this.#gatheredBytes));
    this.#sealedBytes += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  /** INVARIANT: where there is no room, a message is on its way, and what calls back for it asks again. */
  #hasRoomFor(bytes: number): boolean {
    return this.#handedBytes === 0 || this.#handedBytes + bytes <= this.#portionBytes;
  }

  #passOn(): void {
    if (this.#client.readyState !== this.#client.OPEN) return;
    for (;;) {
      if (this.#sealed.length === 0 && this.#hasRoomFor(this.#gatheredBytes)) this.#seal();
      const [message] = this.#sealed;
      if (message === undefined || !this.#hasRoomFor(message.length)) return;
      this.#sealed.shift();
      this.#sealedBytes -= message.length;
      this.#handed.push(message.length);
      this.#handedBytes += message.length;
      this.#shownBytes += message.length;
      this.#client.send(message, this.#sent);
    }
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
    this.#seal();
    if (this.#client.readyState === this.#client.OPEN) for (const message of this.#sealed) this.#client.send(message);
    this.#sealed.length = 0;
    this.#sealedBytes = 0;
    // A paused socket would not hear the other side's close.
    this.#client.resume();
    this.#client.close(CLOSE.normal);
  }
}
