import { tunnelPath, tunnelProtocols } from '@enchilada/contract';
import type { ServerFrame, Tickets } from '@enchilada/contract';
import { WebSocket } from 'ws';
import type { Person } from './person.ts';

export interface ShellOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Answers to the target's or the product's questions, by turns. */
  readonly answers?: readonly (readonly string[])[];
  readonly acceptHostKey?: boolean;
  /** Leave the socket unread: a stalled browser. */
  readonly stalled?: boolean;
}

type Ended = Extract<ServerFrame, { readonly type: 'ended' }>;

const WAIT_MS = 90_000;

/** Both sockets of one viewer, as the browser would hold them. */
export class Shell implements AsyncDisposable {
  readonly sessionId: string;
  readonly control: WebSocket;
  readonly data: WebSocket;
  readonly frames: ServerFrame[] = [];
  received = 0;
  #text = '';
  readonly #decoder = new TextDecoder();
  #wake: (() => void)[] = [];
  onBytes: ((bytes: Buffer) => void) | undefined;

  private constructor(sessionId: string, control: WebSocket, data: WebSocket) {
    this.sessionId = sessionId;
    this.control = control;
    this.data = data;
  }

  static async join(
    person: Person,
    seat: { readonly sessionId: string; readonly tickets: Tickets },
    options: ShellOptions,
  ): Promise<Shell> {
    const { sessionId, tickets } = seat;
    const size = { columns: options.columns ?? 80, rows: options.rows ?? 24 };
    const open = (kind: 'control' | 'data', ticket: string): WebSocket => {
      const path = tunnelPath({ sessionId, kind }, kind === 'control' ? size : undefined);
      return new WebSocket(person.url.replace(/^http/u, 'ws') + path, [...tunnelProtocols(ticket)], {
        origin: person.origin,
        headers: { cookie: person.cookie },
        perMessageDeflate: false,
        maxPayload: 256 * 1024 * 1024,
        rejectUnauthorized: !person.url.startsWith('https://localhost'),
      });
    };
    const control = open('control', tickets.control);
    const questions = [...(options.answers ?? [])];
    const early: Buffer[] = [];
    control.on('message', (message) => early.push(message as Buffer));
    await opened(control);
    const joined = new Promise<void>((resolve) => {
      const seen = (message: Buffer): void => {
        const frame = JSON.parse(message.toString()) as ServerFrame;
        if (frame.type === 'ended' || frame.type === 'state') resolve();
      };
      for (const message of early) seen(message);
      control.on('message', seen);
    });
    await joined;
    const data = open('data', tickets.data);
    const shell = new Shell(sessionId, control, data);
    const hear = (message: Buffer): void => {
      const frame = JSON.parse(message.toString()) as ServerFrame;
      shell.frames.push(frame);
      if (frame.type === 'host-key')
        shell.say({ type: 'host-key-answer', id: frame.id, accept: options.acceptHostKey ?? true });
      if (frame.type === 'prompt') {
        const answers = questions.shift();
        shell.say(answers === undefined ? { type: 'cancel', id: frame.id } : { type: 'answer', id: frame.id, answers });
      }
      shell.#changed();
    };
    control.removeAllListeners('message');
    for (const message of early) hear(message);
    control.on('message', hear);
    control.on('close', () => {
      shell.#changed();
    });
    data.on('message', (message) => {
      const bytes = message as Buffer;
      shell.received += bytes.length;
      if (shell.onBytes === undefined) shell.#text += shell.#decoder.decode(bytes, { stream: true });
      else shell.onBytes(bytes);
      shell.#changed();
    });
    data.on('close', () => {
      shell.#changed();
    });
    data.on('error', () => undefined);
    try {
      await opened(data);
    } catch (refusal) {
      // A session that failed at once is gone before its second socket is there; the control socket says why.
      await shell.until(
        () => shell.frames.some(({ type }) => type === 'ended'),
        `the end of a session whose data socket was refused: ${String(refusal)}`,
      );
    }
    if (options.stalled === true) data.pause();
    return shell;
  }

  get text(): string {
    return this.#text;
  }

  forget(): void {
    this.#text = '';
  }

  type(text: string): void {
    this.data.send(Buffer.from(text));
  }

  say(message: object): void {
    this.control.send(JSON.stringify(message));
  }

  /** Waits until the output holds the text. */
  async see(text: string): Promise<void> {
    await this.until(() => this.#text.includes(text), `the output ${JSON.stringify(text)}`);
  }

  async live(): Promise<void> {
    await this.until(
      () => this.frames.some((frame) => frame.type === 'state' && frame.state === 'live'),
      'the session to be live',
    );
  }

  async ended(): Promise<Ended> {
    let found: Ended | undefined;
    await this.until(() => {
      found = this.frames.find((frame) => frame.type === 'ended');
      return found !== undefined;
    }, 'the session to end');
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!holds()) {
      const left = deadline - Date.now();
      const last = this.frames.findLast((frame) => frame.type === 'ended');
      // What the target said last may come after the word of its end: each has a socket of its own.
      const over = last !== undefined && !what.includes('end') && this.data.readyState === WebSocket.CLOSED;
      if (left <= 0 || over) {
        throw new Error(
          `waited in vain for ${what}; last output ${JSON.stringify(this.#text.slice(-300))}; frames ${JSON.stringify(this.frames.slice(-4))}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Leaves without ending the session, as a closed tab does. */
  async leave(): Promise<void> {
    await Promise.all([closed(this.data), closed(this.control)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.control.readyState === WebSocket.OPEN) this.say({ type: 'end' });
    await this.leave();
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
}

function closed(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
    socket.resume();
    socket.close();
  });
}
