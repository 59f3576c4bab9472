import type { ServerFrame, Tickets } from '@enchilada/contract';
import { tunnelPath, tunnelProtocols } from '@enchilada/contract';
import type { ViewerMessage } from '@enchilada/core/session';

export type EndedFrame = Extract<ServerFrame, { readonly type: 'ended' }>;

/** `connecting` until both sockets are open; `lost` between two attempts; `ended` and `failed` are final. */
export type LinkState = 'connecting' | 'open' | 'lost' | 'ended' | 'failed';

export interface SurfacePort {
  /** Bytes to show. Resolves once they are processed, so that a slow surface slows the socket. */
  write(bytes: Uint8Array): Promise<void>;
  /** Called before the first bytes of each attachment: they draw the whole screen. */
  reset(): void;
  size(): { readonly columns: number; readonly rows: number };
}

export interface ConnectionEvents {
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onLink: (state: LinkState, error?: unknown) => void;
  readonly onRoundTrip: (milliseconds: number) => void;
}

export interface ConnectionEnvironment {
  /** Opens a WebSocket (RFC 6455) at the page's own origin. */
  readonly connect: (path: string, protocols: readonly string[]) => WebSocket;
  readonly tickets: () => Promise<Tickets>;
  readonly now: () => number;
  /** A refusal after which trying again is useless. */
  readonly isFinal: (error: unknown) => boolean;
}

const PING_EVERY_MS = 5_000;
/** Drawing the first screen keeps the page busy; measured during that, the round trip would be the page's own. */
const SETTLED_AFTER_MS = 600;
const SILENT_FOR_MS = 15_000;
const ANSWERS_WITHIN_MS = 2_500;
const LAST_WORDS_WITHIN_MS = 2_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;
/** What is typed while the connection is lost; more than this is refused aloud rather than replayed blindly. */
export const MOST_HELD_BYTES = 64 * 1024;
/** Above this the page waits for the surface instead of buffering in front of it. */
const MOST_UNSHOWN_BYTES = 512 * 1024;

/** Both sockets of one viewer, opened again with new tickets whenever they are lost, until the session ends. */
export class SessionConnection {
  readonly #sessionId: string;
  readonly #surface: SurfacePort;
  readonly #events: ConnectionEvents;
  readonly #environment: ConnectionEnvironment;
  #control: WebSocket | undefined;
  #data: WebSocket | undefined;
  /** Nobody guesses it by chance; that is all it is for. */
  readonly #window = crypto.getRandomValues(new Uint32Array(4)).join('');
  #hadIt = false;
  #state: LinkState = 'connecting';
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #attempt = 0;
  #generation = 0;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstPing: ReturnType<typeof setTimeout> | undefined;
  #pinger: ReturnType<typeof setInterval> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    sessionId: string,
    surface: SurfacePort,
    context: { readonly events: ConnectionEvents; readonly environment: ConnectionEnvironment },
  ) {
    this.#sessionId = sessionId;
    this.#surface = surface;
    this.#events = context.events;
    this.#environment = context.environment;
  }

  get state(): LinkState {
    return this.#state;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  start(tickets?: Tickets): void {
    void this.#attach(tickets);
  }

  /** Sends what was typed, or keeps it until the connection is back. False: it was neither. */
  input(bytes: Uint8Array): boolean {
    if (this.#state === 'open' && this.#data?.readyState === 1) {
      this.#data.send(bytes as Uint8Array<ArrayBuffer>);
      return true;
    }
    if (this.#state === 'ended' || this.#state === 'failed' || this.#heldBytes + bytes.length > MOST_HELD_BYTES)
      return false;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return true;
  }

  send(message: ViewerMessage): void {
    if (this.#control?.readyState === 1) this.#control.send(JSON.stringify(message));
  }

  /** Tries at once, for example when the network came back. */
  retryNow(): void {
    if (this.#state !== 'lost') return;
    clearTimeout(this.#timer);
    void this.#attach();
  }

  /** Something says that the network may be gone: the connection must answer soon, or counts as lost. */
  probe(): void {
    if (this.#state !== 'open' || this.#isOver) return;
    const askedAt = this.#environment.now();
    const generation = this.#generation;
    this.#ping();
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => {
      if (this.#heardAt < askedAt) this.#lose(generation);
    }, ANSWERS_WITHIN_MS);
  }

  /** Both sockets again: what came through them could not be shown. */
  renew(): void {
    if (this.#state === 'open') this.#lose(this.#generation);
  }

  close(): void {
    this.#generation++;
    this.#drop();
  }

  #become(state: LinkState, error?: unknown): void {
    this.#state = state;
    this.#events.onLink(state, error);
  }

  async #attach(given?: Tickets): Promise<void> {
    const generation = ++this.#generation;
    this.#drop();
    if (this.#attempt === 0) this.#become('connecting');
    let tickets: Tickets;
    try {
      tickets = given ?? (await this.#environment.tickets());
    } catch (error) {
      if (generation !== this.#generation) return;
      if (this.#environment.isFinal(error)) this.#become('failed', error);
      else this.#lose(generation);
      return;
    }
    if (generation !== this.#generation) return;
    this.#openControl(tickets, generation);
  }

  #openControl(tickets: Tickets, generation: number): void {
    const control = this.#environment.connect(
      tunnelPath({ sessionId: this.#sessionId, kind: 'control' }, this.#surface.size(), {
        id: this.#window,
        returns: this.#hadIt,
      }),
      tunnelProtocols(tickets.control),
    );
    this.#control = control;
    control.onopen = () => {
      if (generation !== this.#generation) return;
      this.#heardAt = this.#environment.now();
      this.#openData(tickets, generation);
    };
    control.onmessage = (message) => {
      if (generation === this.#generation && typeof message.data === 'string') this.#hear(message.data);
    };
    control.onclose = () => this.#lose(generation);
  }

  #openData(tickets: Tickets, generation: number): void {
    const data = this.#environment.connect(
      tunnelPath({ sessionId: this.#sessionId, kind: 'data' }),
      tunnelProtocols(tickets.data),
    );
    data.binaryType = 'arraybuffer';
    this.#data = data;
    let unshown = 0;
    data.onopen = () => {
      if (generation !== this.#generation) return;
      this.#writing = this.#writing.then(() => this.#surface.reset());
      this.#attempt = 0;
      this.#hadIt = true;
      this.#become('open');
      for (const bytes of this.#held.splice(0)) data.send(bytes as Uint8Array<ArrayBuffer>);
      this.#heldBytes = 0;
      this.send({ type: 'resize', ...this.#surface.size() });
      this.#firstPing = setTimeout(() => this.#ping(), SETTLED_AFTER_MS);
      this.#pinger = setInterval(() => this.#ping(), PING_EVERY_MS);
    };
    data.onmessage = (message) => {
      if (generation !== this.#generation || !(message.data instanceof ArrayBuffer)) return;
      const bytes = new Uint8Array(message.data);
      unshown += bytes.length;
      this.#writing = this.#writing.then(async () => {
        if (generation !== this.#generation) return;
        const shown = this.#surface.write(bytes).then(() => {
          unshown -= bytes.length;
        });
        if (unshown > MOST_UNSHOWN_BYTES) await shown;
      });
    };
    data.onclose = () => this.#lose(generation);
  }

  #hear(text: string): void {
    this.#heardAt = this.#environment.now();
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === 'pong') {
      this.#events.onRoundTrip(Math.max(0, this.#environment.now() - frame.sentAt));
      return;
    }
    this.#events.onFrame(frame);
    if (frame.type !== 'ended') return;
    this.#isOver = true;
    this.#stopAsking();
    // INVARIANT: what the target said last is shown before the page turns to the end. It comes by the other socket, which closes after it.
    const generation = this.#generation;
    if (this.#control !== undefined) this.#control.onclose = null;
    this.#timer = setTimeout(() => this.#finish(generation), LAST_WORDS_WITHIN_MS);
    if (this.#data === undefined || this.#data.readyState > 1) this.#finish(generation);
  }

  #finish(generation: number): void {
    void this.#writing.then(() => {
      if (generation !== this.#generation) return;
      this.#generation++;
      this.#drop();
      this.#become('ended');
    });
  }

  #ping(): void {
    if (this.#environment.now() - this.#heardAt > SILENT_FOR_MS) this.#lose(this.#generation);
    else this.send({ type: 'ping', sentAt: this.#environment.now() });
  }

  #lose(generation: number): void {
    if (generation !== this.#generation) return;
    if (this.#isOver) {
      this.#finish(generation);
      return;
    }
    this.#generation++;
    this.#drop();
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempt++);
    this.#become('lost');
    this.#timer = setTimeout(() => void this.#attach(), delay);
  }

  #stopAsking(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#firstPing);
    clearTimeout(this.#probe);
    clearInterval(this.#pinger);
  }

  #drop(): void {
    this.#stopAsking();
    for (const socket of [this.#data, this.#control]) {
      if (socket === undefined) continue;
      socket.onopen = socket.onmessage = socket.onclose = null;
      if (socket.readyState < 2) socket.close(1000);
    }
    this.#data = this.#control = undefined;
  }
}
