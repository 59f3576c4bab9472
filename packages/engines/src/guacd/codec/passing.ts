import { Fault } from '@enchilada/core/fault';
import type { KeyStroke } from '@enchilada/core/recording';
import { InstructionDecoder, type Instruction } from './instructions.ts';

/** One stream of a clipboard: guacd takes several at a time. */
export interface ClipboardStream {
  piece(base64: string): void;
  /** It ended, its number was taken by another stream, or the connection is over. */
  done(): void;
}

/** guacd's own bound for the streams of a user (libguac client-constants.h, GUAC_USER_MAX_STREAMS). */
const MOST_STREAMS = 64;

class ClipboardStreams {
  readonly #begin: () => ClipboardStream;
  readonly #open = new Map<string, ClipboardStream>();

  constructor(begin: () => ClipboardStream) {
    this.#begin = begin;
  }

  get isFull(): boolean {
    return this.#open.size >= MOST_STREAMS;
  }

  has(stream: string): boolean {
    return this.#open.has(stream);
  }

  begin(stream: string): void {
    this.end(stream);
    this.#open.set(stream, this.#begin());
  }

  piece(stream: string, base64: string): void {
    this.#open.get(stream)?.piece(base64);
  }

  end(stream: string): boolean {
    this.#open.get(stream)?.done();
    return this.#open.delete(stream);
  }

  /** INVARIANT: what passed is written down, whether or not somebody said that it was over. */
  endAll(): void {
    for (const stream of [...this.#open.keys()]) this.end(stream);
  }
}

/** What a viewer may say at all; what it may not do is left out of it. */
const ALWAYS = new Set(['sync', 'nop', 'ack']);
const CONTROL = new Set(['key', 'mouse', 'touch']);
/** Known to the protocol, and let through for nobody: files, devices and the end of the session have other ways. */
const NEVER = new Set([
  'disconnect',
  'file',
  'pipe',
  'put',
  'get',
  'body',
  'filesystem',
  'audio',
  'video',
  'argv',
  'usbconnect',
  '',
]);
const OWN_WORDS = new Set(['size', 'clipboard', 'blob', 'end']);

/** What a viewer does that is let through. */
export interface ViewerEvents {
  clipboard(): ClipboardStream;
  /** A clipboard that policy withholds from the machine. */
  denied(): void;
  /** A key, a pointer, a paste: the person is there. */
  active(): void;
  key(stroke: KeyStroke): void;
}

export interface ViewerRights {
  readonly control: boolean;
  readonly paste: boolean;
  readonly resize: boolean;
}

/** From a viewer to guacd. INVARIANT: whoever may not control says `sync`, `nop` and `ack`, and nothing else. */
export class FromViewer {
  readonly #decoder = new InstructionDecoder('PROTOCOL_MESSAGE_INVALID');
  readonly #rights: ViewerRights;
  readonly #events: ViewerEvents;
  /** Those that were let through. */
  readonly #clipboards: ClipboardStreams;

  constructor(rights: ViewerRights, events: ViewerEvents) {
    this.#rights = rights;
    this.#events = events;
    this.#clipboards = new ClipboardStreams(() => events.clipboard());
  }

  /** The viewer is gone. */
  end(): void {
    this.#clipboards.endAll();
  }

  /** What goes on to guacd. @throws Fault PROTOCOL_MESSAGE_INVALID */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    return this.#decoder.push(bytes).flatMap((instruction) => (this.#passes(instruction) ? [instruction.bytes] : []));
  }

  #passes({ opcode, arguments: words }: Instruction): boolean {
    const { control, paste, resize } = this.#rights;
    if (ALWAYS.has(opcode)) return true;
    if (NEVER.has(opcode)) return false;
    const isKnown = CONTROL.has(opcode) || OWN_WORDS.has(opcode);
    if (!isKnown) throw new Fault('PROTOCOL_MESSAGE_INVALID', `the viewer sent the instruction ${opcode.slice(0, 40)}`);
    if (opcode === 'clipboard' && !(control && paste)) this.#events.denied();
    if (!control) return false;
    if (opcode === 'size') return resize;
    this.#events.active();
    const [stream = ''] = words;
    switch (opcode) {
      case 'key':
        this.#events.key(strokeOf(words));
        return true;
      case 'clipboard':
        if (!paste || this.#clipboards.isFull) return false;
        this.#clipboards.begin(stream);
        return true;
      case 'blob':
        if (!this.#clipboards.has(stream)) return false;
        this.#clipboards.piece(stream, words[1] ?? '');
        return true;
      case 'end':
        return this.#clipboards.end(stream);
      default:
        return true;
    }
  }
}

/** `key`: the keysym, and 1 where it is down. INVARIANT: what guacd would read otherwise than we do does not pass unrecorded. */
function strokeOf([keysym = '', state = '']: readonly string[]): KeyStroke {
  if (!/^\d{1,10}$/u.test(keysym) || Number(keysym) > 0xffff_ffff || !/^[01]$/u.test(state))
    throw new Fault('PROTOCOL_MESSAGE_INVALID', 'the viewer sent a key that is none');
  return { code: 'keysym', value: Number(keysym), isDown: state === '1' };
}

/** What guacd says beside what is shown. */
export interface GuacdEvents {
  clipboard(): ClipboardStream;
  /** A clipboard that policy withholds from the viewer. */
  denied(): void;
  /** `error` and `disconnect`; nothing is shown after them. */
  ended(fault: readonly string[] | undefined): void;
}

/** Streams that no viewer takes: files and devices. */
const NOT_SHOWN = new Set(['file', 'pipe', 'argv', 'required']);
/** Part of a frame: a viewer shows nothing of it before the `sync` that ends it (Guacamole.Display.flush). */
const DRAWN = new Set(
  (
    'arc cfill clip close copy cstroke cursor curve dispose distort identity jpeg lfill line lstroke move png pop push rect reset set shade size ' +
    'start transfer transform'
  ).split(' '),
);

type Fate = 'hidden' | 'drawn' | 'told' | 'copied';

export interface ShownPiece {
  readonly bytes: Uint8Array;
  /** Of the clipboard: for the viewer, and for no recording. */
  readonly isCopied: boolean;
}

/** From guacd to a viewer. */
export class FromGuacd {
  readonly #events: GuacdEvents;
  readonly #copy: boolean;
  readonly #hidden = new Set<string>();
  readonly #images = new Set<string>();
  readonly #clipboards: ClipboardStreams;
  #isInFrame = false;
  #isOver = false;

  constructor(rights: { readonly copy: boolean }, events: GuacdEvents) {
    this.#copy = rights.copy;
    this.#events = events;
    this.#clipboards = new ClipboardStreams(() => events.clipboard());
  }

  /** All that was passed last is drawn for a frame that is not over: no viewer shows it yet. */
  get isInFrame(): boolean {
    return this.#isInFrame;
  }

  /** guacd is gone, or the viewer is. */
  end(): void {
    this.#isOver = true;
    this.#clipboards.endAll();
  }

  /** What is shown of them, in pieces that are as long as they were received together. @throws Fault TARGET_PROTOCOL_VIOLATION */
  pass(instructions: readonly Instruction[]): readonly ShownPiece[] {
    const shown: ShownPiece[] = [];
    let from: Uint8Array | undefined;
    let length = 0;
    let isCopied = false;
    const flush = (): void => {
      if (from !== undefined) shown.push({ bytes: new Uint8Array(from.buffer, from.byteOffset, length), isCopied });
      from = undefined;
      length = 0;
    };
    this.#isInFrame = true;
    for (const instruction of instructions) {
      const fate = this.#isOver ? 'hidden' : this.#fateOf(instruction);
      if (fate === 'told' || fate === 'copied') this.#isInFrame = false;
      if (fate === 'hidden') {
        flush();
        continue;
      }
      if ((fate === 'copied') !== isCopied) flush();
      isCopied = fate === 'copied';
      from ??= instruction.bytes;
      length += instruction.bytes.length;
    }
    flush();
    return shown;
  }

  #fateOf({ opcode, arguments: words }: Instruction): Fate {
    const [stream = ''] = words;
    switch (opcode) {
      case 'error':
        this.#ended(words);
        return 'hidden';
      case 'disconnect':
        this.#ended(undefined);
        return 'hidden';
      case 'clipboard':
        this.#forget(stream);
        if (!this.#copy) {
          this.#events.denied();
          return this.#hide(stream);
        }
        this.#require(!this.#clipboards.isFull);
        this.#clipboards.begin(stream);
        return 'copied';
      case 'img':
        this.#forget(stream);
        this.#require(this.#images.size < MOST_STREAMS);
        this.#images.add(stream);
        return 'drawn';
      case 'audio':
      case 'video':
        this.#forget(stream);
        return 'told';
      case 'blob':
        if (this.#hidden.has(stream)) return 'hidden';
        if (this.#clipboards.has(stream)) {
          this.#clipboards.piece(stream, words[1] ?? '');
          return 'copied';
        }
        return this.#images.has(stream) ? 'drawn' : 'told';
      case 'end':
        if (this.#hidden.delete(stream)) return 'hidden';
        if (this.#clipboards.end(stream)) return 'copied';
        return this.#images.delete(stream) ? 'drawn' : 'told';
      case 'body':
      case 'filesystem':
        return this.#hide(words[1] ?? '');
      default:
        if (NOT_SHOWN.has(opcode)) return this.#hide(stream);
        return DRAWN.has(opcode) ? 'drawn' : 'told';
    }
  }

  #hide(stream: string): Fate {
    this.#forget(stream);
    this.#require(this.#hidden.size < MOST_STREAMS);
    this.#hidden.add(stream);
    return 'hidden';
  }

  #forget(stream: string): void {
    this.#hidden.delete(stream);
    this.#images.delete(stream);
    this.#clipboards.end(stream);
  }

  #require(isWithin: boolean): void {
    if (!isWithin)
      throw new Fault('TARGET_PROTOCOL_VIOLATION', `guacd has more than ${MOST_STREAMS} streams of a kind open`);
  }

  #ended(fault: readonly string[] | undefined): void {
    this.#isOver = true;
    this.#events.ended(fault);
  }
}
