import { createHash, type Hash } from 'node:crypto';
import type {
  ClipboardRights,
  EngineFacts,
  EngineStream,
  Seat,
  SessionEnd,
  StreamedSession,
} from '@enchilada/core/engine';
import { isFault, toFault } from '@enchilada/core/fault';
import { clipboardAt, clipboardOf } from '../shared/index.ts';
import { faultOfError, FromGuacd, FromViewer, type ClipboardEvents, type Instruction } from './codec/index.ts';
import type { GuacdConnection } from './guacd-connection.ts';
import type { GuacdParameters } from './guacd-manifest.ts';

const MOST_OUTPUT_BYTES = 256 * 1024;

export interface GuacdSessionParts {
  readonly parameters: GuacdParameters;
  readonly facts: EngineFacts;
  readonly signal: AbortSignal;
  /** One more user of the same connection. @throws Fault */
  readonly join: (id: string, mode: Seat['mode']) => Promise<GuacdConnection>;
}

/** A connection of guacd that viewers join and leave. The controlling viewer's place in it stays when the viewer goes. */
export class GuacdSession implements StreamedSession {
  readonly facts: EngineFacts;
  readonly clipboard: ClipboardRights;
  readonly #parts: GuacdSessionParts;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  readonly #watchers = new Set<GuacdConnection>();
  #held: GuacdConnection;
  #isOver = false;

  constructor(first: GuacdConnection, parts: GuacdSessionParts) {
    this.facts = parts.facts;
    this.clipboard = clipboardOf(parts.parameters);
    this.#parts = parts;
    this.#held = first;
    this.#follow(first);
    const { signal } = parts;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  async join(seat: Seat): Promise<EngineStream> {
    const connection = seat.mode === 'control' ? await this.#forControl() : await this.#forWatching();
    const stream = new GuacdStream(connection, seat, this.#parts.parameters);
    if (seat.mode === 'watch') void stream.ended.then(() => connection[Symbol.asyncDispose]());
    stream.start();
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'terminated' });
    await this.#ended.promise;
  }

  async #forControl(): Promise<GuacdConnection> {
    if (!this.#held.isUsed) return this.#held;
    const before = this.#held;
    const connection = await this.#parts.join(before.id, 'control');
    if (this.#isOver) {
      await connection[Symbol.asyncDispose]();
      return connection;
    }
    this.#held = connection;
    this.#follow(connection);
    await before[Symbol.asyncDispose]();
    return connection;
  }

  async #forWatching(): Promise<GuacdConnection> {
    const connection = await this.#parts.join(this.#held.id, 'watch');
    if (this.#isOver) await connection[Symbol.asyncDispose]();
    this.#watchers.add(connection);
    void connection.ended.then(() => this.#watchers.delete(connection));
    return connection;
  }

  #follow(connection: GuacdConnection): void {
    void connection.ended.then((end) => {
      if (this.#held === connection) this.#finish(end);
    });
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#parts.signal.reason;
    this.#finish({ reason: 'terminated', ...(isFault(reason) ? { fault: reason } : {}) });
  };

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.signal.removeEventListener('abort', this.#abort);
    for (const connection of [this.#held, ...this.#watchers]) void connection[Symbol.asyncDispose]();
    this.#ended.resolve(end);
  }
}

/** One viewer: the instructions of its connection, and what it may say. */
class GuacdStream implements EngineStream {
  readonly #connection: GuacdConnection;
  readonly #seat: Seat;
  readonly #fromViewer: FromViewer;
  readonly #fromGuacd: FromGuacd;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  #isOver = false;
  #resumeInput: () => void = () => undefined;

  constructor(connection: GuacdConnection, seat: Seat, parameters: GuacdParameters) {
    this.#connection = connection;
    this.#seat = seat;
    const control = seat.mode === 'control' && !parameters.viewOnly;
    const clipboard = clipboardAt(seat, parameters);
    this.#fromViewer = new FromViewer(
      { control, paste: clipboard.upload, resize: parameters.resizeDesktop },
      {
        clipboard: noted(seat, 'upload'),
        active: () => seat.noted({ type: 'active' }),
        key: (stroke) => seat.noted({ type: 'key', stroke }),
      },
    );
    this.#fromGuacd = new FromGuacd(
      { copy: clipboard.download },
      {
        clipboard: noted(seat, 'download'),
        ended: (words) =>
          connection.finish(
            words === undefined ? { reason: 'closed-by-target' } : { reason: 'failed', fault: faultOfError(words) },
          ),
      },
    );
  }

  start(): void {
    this.#connection.listen({
      heard: (instructions) => this.#heard(instructions),
      drained: () => this.#resumeInput(),
      ended: (end) => this.#finish(end),
    });
  }

  input(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    try {
      return this.#connection.write(this.#fromViewer.push(bytes));
    } catch (failure) {
      this.#finish({ reason: 'failed', fault: toFault(failure) });
      return true;
    }
  }

  onInputDrained(resume: () => void): void {
    this.#resumeInput = resume;
  }

  pause(): void {
    if (!this.#isOver) this.#connection.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#connection.resume();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'closed-by-user' });
    return Promise.resolve();
  }

  #heard(instructions: readonly Instruction[]): void {
    if (this.#isOver) return;
    for (const bytes of inMessages(instructions)) {
      const shown = this.#fromGuacd.pass(bytes);
      for (const piece of shown) if (!this.#hasEnded()) this.#seat.sink.output(piece);
    }
  }

  #hasEnded(): boolean {
    return this.#isOver;
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.release();
    this.#ended.resolve(end);
  }
}

/** Groups that lie side by side in memory and are no longer than a message may be. */
function* inMessages(instructions: readonly Instruction[]): Generator<readonly Instruction[]> {
  let group: Instruction[] = [];
  let length = 0;
  for (const instruction of instructions) {
    const { bytes } = instruction;
    const last = group.at(-1)?.bytes;
    const follows =
      last === undefined || (last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset);
    if (group.length > 0 && (!follows || length + bytes.length > MOST_OUTPUT_BYTES)) {
      yield group;
      group = [];
      length = 0;
    }
    group.push(instruction);
    length += bytes.length;
  }
  if (group.length > 0) yield group;
}

/** Writes down size and hash of what passes, in one direction; one clipboard at a time is enough for either side. */
function noted(seat: Seat, direction: 'upload' | 'download'): ClipboardEvents {
  let hash: Hash | undefined;
  let size = 0;
  return {
    begun: () => {
      hash = createHash('sha256');
      size = 0;
    },
    piece: (base64) => {
      const bytes = Buffer.from(base64, 'base64');
      hash?.update(bytes);
      size += bytes.length;
    },
    done: () => {
      if (hash !== undefined) seat.noted({ type: 'clipboard', direction, size, sha256: hash.digest() });
      hash = undefined;
    },
  };
}
