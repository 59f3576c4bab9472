import type { LoginRecord } from '../identity/index.ts';
import type { EndedEvent, SessionEvent } from './session-event.ts';
import type { ViewerMode } from './session.ts';

/** The data socket of a viewer, as the session sees it. */
export interface DataPort {
  send(bytes: Uint8Array): void;
  /** What was sent until now is a message of its own; without it, messages that come together may leave as one. */
  flush(): void;
  /** Bytes handed to `send` that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Called each time the network took something. */
  onDrain(drained: () => void): void;
  /** Stops and restarts reading the viewer's input: the target is slow. */
  pauseInput(): void;
  resumeInput(): void;
  close(): void;
}

/** The control socket of a viewer, as the session sees it. */
export interface ControlPort {
  send(event: SessionEvent): void;
  close(): void;
}

/** What of a login a session must know to end with it. */
export type LoginLife = Pick<LoginRecord, 'digest' | 'createdAt' | 'expiresAt' | 'factor' | 'provedAt'>;

/** The page in which somebody looks. */
export interface ViewerWindow {
  /** Random, of its own making: it tells pages of one person apart and proves nothing. */
  readonly id: string;
  /** It had the session before, and comes back by itself. */
  readonly returns: boolean;
}

export interface ViewerIdentity {
  readonly id: string;
  readonly userId: string;
  readonly username: string;
  readonly mode: ViewerMode;
  /** Looks on by a grant of their own, as neither guests nor the session's person do. */
  readonly byGrant: boolean;
  readonly address: string;
  /** `ViewerWindow.id`; undefined where it tells none. */
  readonly windowId: string | undefined;
  /** The login that looks: its end ends the looking. */
  readonly login: LoginLife;
}

/** One person looking at a session, over two sockets that come and go together. */
export class Viewer {
  readonly identity: ViewerIdentity;
  readonly control: ControlPort;
  data: DataPort | undefined;
  /** Output held back while the snapshot that precedes it is made. */
  held: Uint8Array[] | undefined;
  /** A watcher that fell behind gets a snapshot once its socket is empty. */
  behind = false;
  /** Monotonic milliseconds since which the network takes nothing, while something waits. */
  stalledSince: number | undefined;
  #isTold = false;

  constructor(identity: ViewerIdentity, control: ControlPort) {
    this.identity = identity;
    this.control = control;
  }

  /** INVARIANT: the first word of an end is the last: what follows of it, as the end of a stream, is no reason of its own. */
  end(event: EndedEvent): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.control.send(event);
  }

  close(): void {
    this.data?.close();
    this.control.close();
  }
}
