import { parseViewerMessage } from '@enchilada/contract';
import type { DisplaySize } from '@enchilada/core/engine';
import { toFault } from '@enchilada/core/fault';
import type {
  Attached,
  ControlPort,
  Redeemed,
  SessionBroker,
  SessionEvent,
  ViewerWindow,
} from '@enchilada/core/session';
import type { RawData, WebSocket } from 'ws';
import type { TunnelCaller } from './attach-tunnel.ts';
import { CLOSE } from './data-socket.ts';

export interface ControlSocketParts {
  readonly broker: SessionBroker;
  readonly redeemed: Redeemed;
  readonly caller: TunnelCaller;
  readonly display: DisplaySize;
  readonly window: ViewerWindow | undefined;
  readonly report: (cause: unknown) => void;
}

/** Messages that wait unsent on a control socket; a browser that does not read loses its viewer. */
const MOST_UNSENT_BYTES = 256 * 1024;

/** Joins one control socket to the session, for as long as it is open. */
export function carryControl(client: WebSocket, parts: ControlSocketParts): void {
  const { broker, redeemed, caller, display, window } = parts;
  const port = new SocketPort(client);
  const early: string[] = [];
  let attached: Attached | undefined;
  let closed = false;

  const hear = (text: string): void => {
    const message = parseViewerMessage(text);
    if (message === undefined) client.close(CLOSE.protocol, 'PROTOCOL_MESSAGE_INVALID');
    else attached?.session.message(attached.viewer, message);
  };
  client.on('message', (message: RawData, isBinary: boolean) => {
    if (isBinary || !(message instanceof Buffer)) client.close(CLOSE.unsupported, 'PROTOCOL_MESSAGE_INVALID');
    else if (attached === undefined && early.length < 16) early.push(message.toString('utf8'));
    else hear(message.toString('utf8'));
  });
  const detach = (): void => {
    if (attached !== undefined) broker.detach(attached).catch(parts.report);
  };
  client.on('close', () => {
    closed = true;
    detach();
  });

  broker
    .attachControl({
      redeemed,
      identity: caller.identity,
      address: caller.address,
      display,
      window,
      control: port,
      loginPassword: caller.loginPassword,
    })
    .then((joined) => {
      attached = joined;
      if (closed) detach();
      else for (const text of early.splice(0)) hear(text);
    })
    .catch((failure: unknown) => {
      const fault = toFault(failure);
      if (fault.code === 'INTERNAL') parts.report(failure);
      port.send({ type: 'ended', reason: fault.code, fault: { code: fault.code, facts: fault.facts } });
      client.close(CLOSE.refused, fault.code);
    });
}

class SocketPort implements ControlPort {
  readonly #client: WebSocket;

  constructor(client: WebSocket) {
    this.#client = client;
  }

  send(event: SessionEvent): void {
    if (this.#client.readyState !== this.#client.OPEN) return;
    if (this.#client.bufferedAmount > MOST_UNSENT_BYTES) this.#client.terminate();
    else this.#client.send(JSON.stringify(event));
  }

  close(): void {
    this.#client.close(CLOSE.normal);
  }
}
