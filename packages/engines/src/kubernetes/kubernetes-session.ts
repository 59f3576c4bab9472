import type { EngineContext, EngineFacts, EngineSession, SessionEnd } from '@enchilada/core/engine';
import { Fault, isFault, toFault } from '@enchilada/core/fault';
import type { RawData } from 'ws';
import type { ChannelSocket } from './api-server.ts';
import { inputFrame, outcomeOf, readFrame, resizeFrame } from './codec/index.ts';

const INPUT_HIGH = 256 * 1024;
const MOST_STATUS_BYTES = 64 * 1024;
const PING_MS = 20_000;
/** Pings without an answer. */
const MOST_UNANSWERED = 3;
/** A server that has said how the command ended closes at once. */
const CLOSE_MS = 2_000;
const LF = 10;
const CR = 13;

export interface StreamShape {
  /** Without one, lines end as in a file, and a return is a line feed. */
  readonly hasTerminal: boolean;
  readonly takesInput: boolean;
  readonly facts: EngineFacts;
}

/** The streams of one command over one WebSocket. */
export class KubernetesSession implements EngineSession {
  readonly facts: EngineFacts;
  readonly #stream: ChannelSocket;
  readonly #shape: StreamShape;
  readonly #context: EngineContext;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  readonly #pings: Disposable;
  readonly #held: Uint8Array[] = [];
  #closing: Disposable | undefined;
  #status = Buffer.alloc(0);
  #unanswered = 0;
  #isPaused = false;
  #isOver = false;
  #hasClosed = false;
  #inputWaits = false;
  #onDrained: () => void = () => undefined;

  constructor(stream: ChannelSocket, shape: StreamShape, context: EngineContext) {
    this.#stream = stream;
    this.#shape = shape;
    this.#context = context;
    this.facts = { ...shape.facts, subprotocol: stream.subprotocol };
    const { socket, transport } = stream;
    socket.on('message', (data, isBinary) => this.#heard(data, isBinary));
    socket.on('pong', () => {
      this.#unanswered = 0;
    });
    socket.on('error', (error) => this.#broken(error));
    socket.on('close', () => this.#closed());
    transport.on('drain', () => this.#drained());
    this.#pings = context.clock.every(PING_MS, () => this.#ping());
    const { signal } = context;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
    this.control({ type: 'resize', ...context.display });
    socket.resume();
  }

  input(bytes: Uint8Array): boolean {
    if (this.#isOver || !this.#shape.takesInput) return true;
    return this.#send(inputFrame(this.#shape.hasTerminal ? bytes : withLineFeeds(bytes)));
  }

  onInputDrained(resume: () => void): void {
    this.#onDrained = resume;
  }

  control({ columns, rows }: Parameters<EngineSession['control']>[0]): void {
    if (!this.#isOver && this.#shape.hasTerminal) this.#send(resizeFrame({ columns, rows }));
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream.socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (let bytes = this.#held.shift(); bytes !== undefined; bytes = this.#held.shift()) {
      this.#show(bytes);
      if (this.#isPausedNow()) return;
    }
    if (this.#hasClosed) this.#settle();
    else this.#stream.socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'terminated' });
    await this.#ended.promise;
  }

  /** What was shown may have paused us. */
  #isPausedNow(): boolean {
    return this.#isPaused;
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#context.signal.reason;
    this.#finish({ reason: 'terminated', ...(isFault(reason) ? { fault: reason } : {}) });
  };

  #send(message: Uint8Array): boolean {
    const { socket } = this.#stream;
    if (socket.readyState !== socket.OPEN) return true;
    socket.send(message);
    this.#inputWaits = socket.bufferedAmount > INPUT_HIGH;
    return !this.#inputWaits;
  }

  #drained(): void {
    if (!this.#inputWaits) return;
    this.#inputWaits = false;
    this.#onDrained();
  }

  #heard(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    try {
      if (!isBinary) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target sent a message of text');
      const frame = readFrame(data as Buffer, this.#stream.subprotocol);
      switch (frame.kind) {
        case 'output':
          if (frame.bytes.length === 0) return;
          // The rest of what was read from the socket comes even after it was paused.
          if (this.#isPaused) this.#held.push(frame.bytes);
          else this.#show(frame.bytes);
          return;
        case 'status':
          this.#hearStatus(frame.bytes);
          return;
        case 'closed':
          return;
      }
    } catch (failure) {
      this.#finish({ reason: 'failed', fault: toFault(failure) });
    }
  }

  #hearStatus(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#status = Buffer.concat([this.#status, bytes]);
    if (this.#status.length > MOST_STATUS_BYTES)
      throw new Fault('TARGET_PROTOCOL_VIOLATION', `the target ends with more than ${MOST_STATUS_BYTES} bytes`);
    this.#closing ??= this.#context.clock.after(CLOSE_MS, () => this.#stream.socket.terminate());
  }

  #show(bytes: Uint8Array): void {
    this.#context.sink.output(this.#shape.hasTerminal ? bytes.slice() : withReturns(bytes));
  }

  #closed(): void {
    this.#hasClosed = true;
    if (!this.#isPaused || this.#held.length === 0) this.#settle();
  }

  #settle(): void {
    if (this.#isOver) return;
    if (this.#status.length === 0) {
      // Attaching ends like this where the process has gone on without us.
      this.#finish({ reason: 'closed-by-target' });
      return;
    }
    try {
      const { failure, exitCode, exitSignal } = outcomeOf(this.#status.toString('utf8'));
      this.#finish(
        failure === undefined
          ? {
              reason: 'closed-by-target',
              ...(exitCode === undefined ? {} : { exitCode }),
              ...(exitSignal === undefined ? {} : { exitSignal }),
            }
          : { reason: 'failed', fault: new Fault('SHELL_REFUSED', `the cluster could not run it: ${failure}`) },
      );
    } catch (failure) {
      this.#finish({ reason: 'failed', fault: toFault(failure) });
    }
  }

  #broken(error: Error): void {
    const { code = '' } = error as NodeJS.ErrnoException;
    const isBreach = code.startsWith('WS_ERR');
    this.#finish({
      reason: 'failed',
      fault: new Fault(
        isBreach ? 'TARGET_PROTOCOL_VIOLATION' : 'TARGET_DISCONNECTED',
        isBreach ? `the target broke the protocol: ${error.message}` : `the connection to the target broke: ${code}`,
        { cause: error },
      ),
    });
  }

  #ping(): void {
    const { socket } = this.#stream;
    // While we take nothing, no answer can come.
    if (this.#isOver || this.#isPaused || socket.readyState !== socket.OPEN) return;
    this.#unanswered += 1;
    if (this.#unanswered > MOST_UNANSWERED)
      this.#finish({ reason: 'failed', fault: new Fault('TARGET_KEEPALIVE_LOST', 'the target stopped answering') });
    else socket.ping();
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pings[Symbol.dispose]();
    this.#closing?.[Symbol.dispose]();
    this.#context.signal.removeEventListener('abort', this.#abort);
    this.#stream.socket.terminate();
    this.#held.length = 0;
    this.#ended.resolve(end);
  }
}

/** What a terminal shows of lines that end as in a file. */
function withReturns(bytes: Uint8Array): Uint8Array {
  const shown: number[] = [];
  for (const byte of bytes) {
    if (byte === LF) shown.push(CR);
    shown.push(byte);
  }
  return Uint8Array.from(shown);
}

function withLineFeeds(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === CR ? LF : byte));
}
