import { constants, inflateSync } from 'node:zlib';
import type { EngineStream, Seat, SessionEnd } from '@enchilada/core/engine';
import { Fault, toFault } from '@enchilada/core/fault';
import { clipboardAt, ClipboardNote, controlsAt, DenialNote } from '../shared/index.ts';
import { ACTION, type CutText } from './codec/cut-text.ts';
import { ClientMessages } from './codec/client-messages.ts';
import { ServerMessages } from './codec/server-messages.ts';
import { ViewerAnswer, viewerGreeting } from './codec/viewer-greeting.ts';
import { CLIENT, ENCODING, viewOf } from './codec/wire.ts';
import { chooseEncodings, type EncodingChoice } from './codec/encodings.ts';
import type { HeldDesktop } from './held-desktop.ts';
import type { VncParameters } from './vnc-manifest.ts';

const MOST_INFLATED = 16 * 1024 * 1024;

/** The encodings of the form's choice; Raw and CopyRect always remain. */
const ONLY: Readonly<Record<string, ReadonlySet<number>>> = {
  tight: new Set([ENCODING.raw, ENCODING.copyRect, ENCODING.tight, ENCODING.tightPng]),
  zrle: new Set([ENCODING.raw, ENCODING.copyRect, ENCODING.zrle]),
  hextile: new Set([ENCODING.raw, ENCODING.copyRect, ENCODING.hextile]),
  raw: new Set([ENCODING.raw, ENCODING.copyRect]),
};

/** One viewer on one connection of its own: greeting, policy, and bytes both ways. */
export class DesktopStream implements EngineStream {
  readonly #desktop: HeldDesktop;
  readonly #seat: Seat;
  readonly #answer = new ViewerAnswer();
  readonly #fromViewer: ClientMessages;
  readonly #fromTarget: ServerMessages;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  #isOver = false;
  #resumeInput: () => void = () => undefined;

  constructor(desktop: HeldDesktop, seat: Seat, parameters: VncParameters) {
    this.#desktop = desktop;
    this.#seat = seat;
    const control = controlsAt(seat, parameters);
    const { download: copy, upload: paste } = clipboardAt(seat, parameters);
    const denials = new DenialNote(seat);
    const choice: EncodingChoice = {
      only: ONLY[parameters.pixelEncoding],
      remoteCursor: parameters.remoteCursor,
      lossless: parameters.lossless,
      clipboard: copy || paste,
      quality: parameters.quality,
      compression: parameters.compression,
    };
    this.#fromViewer = new ClientMessages(
      desktop.state,
      {
        control,
        paste,
        resize: parameters.resizeDesktop,
        encodings: (wanted) => chooseEncodings(wanted, choice),
      },
      {
        cutText: (message) => {
          this.#noteClipboard('upload', message);
        },
        denied: () => {
          denials.denied('clipboard-denied', 'upload');
        },
        active: () => {
          seat.noted({ type: 'active' });
        },
        key: (stroke) => {
          seat.noted({ type: 'key', stroke });
        },
        pointer: (place) => {
          seat.noted({ type: 'pointer', ...place });
        },
      },
    );
    this.#fromTarget = new ServerMessages(
      desktop.state,
      { copy },
      {
        pass: (bytes) => {
          seat.sink.output(bytes);
        },
        aside: (message) => {
          seat.aside(message);
        },
        cutText: (message) => {
          this.#noteClipboard('download', message);
        },
        denied: () => {
          // Where nothing reaches the machine, nobody here has copied it.
          if (control) denials.denied('clipboard-denied', 'download');
        },
      },
    );
  }

  /** The viewer's decoder begins here. */
  start(): void {
    this.#desktop.listen({
      data: (bytes) => {
        this.#heard(bytes);
      },
      drained: () => {
        this.#resumeInput();
      },
      ended: (end) => {
        this.#finish(end);
      },
    });
    for (const message of viewerGreeting(this.#desktop.serverInit)) this.#seat.sink.output(message);
  }

  input(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    try {
      const messages = this.#fromViewer.push(this.#answer.push(bytes));
      if (messages.length === 0) return true;
      return this.#desktop.write(Buffer.concat(messages));
    } catch (failure) {
      this.#finish({ reason: 'failed', fault: toFault(failure) });
      return true;
    }
  }

  onInputDrained(resume: () => void): void {
    this.#resumeInput = resume;
  }

  pause(): void {
    if (!this.#isOver) this.#desktop.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#desktop.resume();
  }

  /** The connection stays, unseen, as what holds the session. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'closed-by-user' });
    return Promise.resolve();
  }

  #heard(bytes: Uint8Array): void {
    try {
      this.#fromTarget.push(bytes);
    } catch (failure) {
      const fault = toFault(failure);
      this.#finish({ reason: 'failed', fault });
      this.#desktop.fail(fault);
    }
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#desktop.state.continuousUpdates) this.#desktop.write(stopContinuousUpdates());
    this.#desktop.release();
    this.#ended.resolve(end);
  }

  #noteClipboard(direction: 'upload' | 'download', message: CutText): void {
    const text = contentOf(message, direction);
    if (text === undefined) return;
    const note = new ClipboardNote(this.#seat, direction);
    note.begin();
    note.add(text);
    note.done();
  }
}

/** EnableContinuousUpdates, off. */
function stopContinuousUpdates(): Uint8Array {
  const message = new Uint8Array(10);
  message[0] = CLIENT.enableContinuousUpdates;
  return message;
}

/**
 * The bytes of the clipboard itself; undefined for an announcement without content.
 * INVARIANT: no more passes than what is noted.
 * @throws Fault of whoever sent it
 */
function contentOf(message: CutText, direction: 'upload' | 'download'): Uint8Array | undefined {
  if (message.kind === 'plain') return message.text;
  if ((message.actions & ACTION.provide) === 0) return undefined;
  try {
    return textIn(message.data);
  } catch (cause) {
    const code = direction === 'download' ? 'TARGET_PROTOCOL_VIOLATION' : 'PROTOCOL_MESSAGE_INVALID';
    throw new Fault(code, 'a clipboard that does not unpack to one text, or is too large', { cause });
  }
}

/** @throws Error where it is not one text, the whole of it and no more */
function textIn(data: Uint8Array): Uint8Array {
  // TigerVNC flushes its stream and never ends it.
  const { buffer, engine } = inflateSync(data, {
    maxOutputLength: MOST_INFLATED,
    finishFlush: constants.Z_SYNC_FLUSH,
    info: true,
  }) as unknown as Inflated;
  const text = buffer.subarray(4);
  if (engine.bytesWritten !== data.length) throw new Error(`${data.length - engine.bytesWritten} bytes behind it`);
  if (buffer.length < 4 || viewOf(buffer).getUint32(0) !== text.length)
    throw new Error(`unpacked to ${buffer.length} bytes, which is not what it says`);
  // The extension ends its text with a NUL, which nobody copied.
  return text.at(-1) === 0 ? text.subarray(0, -1) : text;
}

/** What zlib answers with `info`, which Node's types leave out. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}
