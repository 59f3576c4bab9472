import type { EngineFacts, EngineStream, Seat, SessionEnd, StreamedSession } from '@enchilada/core/engine';
import { toFault } from '@enchilada/core/fault';
import { clipboardAt, ClipboardNote, clipboardOf, controlsAt, DenialNote, DesktopSession } from '../shared/index.ts';
import { faultOfError, FromGuacd, FromViewer, type ClipboardStream, type Instruction } from './codec/index.ts';
import type { GuacdConnection } from './guacd-connection.ts';
import type { GuacdParameters } from './guacd-manifest.ts';

const MOST_OUTPUT_BYTES = 256 * 1024;
/** A frame longer than this is handed on while it is still being drawn: it takes its time on the way. */
const LONG_FRAME_BYTES = 64 * 1024;

export interface GuacdSessionParts {
  readonly parameters: GuacdParameters;
  readonly facts: EngineFacts;
  readonly signal: AbortSignal;
  /** One more user of the same connection. @throws Fault */
  readonly join: (id: string, mode: Seat['mode']) => Promise<GuacdConnection>;
}

/** A connection of guacd that viewers join and leave. */
export function guacdSession(first: GuacdConnection, parts: GuacdSessionParts): StreamedSession {
  const { parameters, facts, signal, join } = parts;
  return new DesktopSession(first, {
    ...{ facts, clipboard: clipboardOf(parameters), signal },
    connect: (mode, held) => join(held.id, mode),
    streamOf: (connection, seat) => new GuacdStream(connection, seat, parameters),
  });
}

/** One viewer: the instructions of its connection, and what it may say. */
class GuacdStream implements EngineStream {
  readonly #connection: GuacdConnection;
  readonly #seat: Seat;
  readonly #fromViewer: FromViewer;
  readonly #fromGuacd: FromGuacd;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  /** Of a frame that is not over. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #end: SessionEnd | undefined;
  #isOver = false;
  #resumeInput: () => void = () => undefined;

  constructor(connection: GuacdConnection, seat: Seat, parameters: GuacdParameters) {
    this.#connection = connection;
    this.#seat = seat;
    const control = controlsAt(seat, parameters);
    const clipboard = clipboardAt(seat, parameters);
    const denials = new DenialNote(seat);
    this.#fromViewer = new FromViewer(
      { control, paste: clipboard.upload, resize: parameters.resizeDesktop },
      {
        clipboard: () => noted(seat, 'upload'),
        denied: () => denials.denied('clipboard-denied', 'upload'),
        active: () => seat.noted({ type: 'active' }),
        key: (stroke) => seat.noted({ type: 'key', stroke }),
      },
    );
    this.#fromGuacd = new FromGuacd(
      { copy: clipboard.download },
      {
        clipboard: () => noted(seat, 'download'),
        denied: () => {
          // Where nothing reaches the machine, nobody here has copied it.
          if (control) denials.denied('clipboard-denied', 'download');
        },
        ended: (words) => {
          this.#end =
            words === undefined ? { reason: 'closed-by-target' } : { reason: 'failed', fault: faultOfError(words) };
        },
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
      for (const piece of this.#fromGuacd.pass(bytes)) {
        if (piece.isCopied) {
          this.#handOn();
          this.#seat.aside(piece.bytes);
          continue;
        }
        this.#held.push(piece.bytes);
        this.#heldBytes += piece.bytes.length;
      }
      if (!this.#fromGuacd.isInFrame || this.#heldBytes >= LONG_FRAME_BYTES) this.#handOn();
    }
    // What came before the end is shown and recorded before it.
    if (this.#end !== undefined) this.#connection.finish(this.#end);
  }

  #handOn(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    const [first] = held;
    if (first === undefined) return;
    this.#seat.sink.output(held.length === 1 ? first : Buffer.concat(held));
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handOn();
    this.#fromViewer.end();
    this.#fromGuacd.end();
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

function noted(seat: Seat, direction: 'upload' | 'download'): ClipboardStream {
  const note = new ClipboardNote(seat, direction);
  note.begin();
  return {
    piece: (base64) => note.add(Buffer.from(base64, 'base64')),
    done: () => note.done(),
  };
}
