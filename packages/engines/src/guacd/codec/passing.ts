import { Fault } from '@enchilada/core/fault';
import type { KeyStroke } from '@enchilada/core/recording';
import { InstructionDecoder, type Instruction } from './instructions.ts';

export interface ClipboardEvents {
  /** A stream of the clipboard begins, goes on or ends. */
  begun(): void;
  piece(base64: string): void;
  done(): void;
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
  readonly clipboard: ClipboardEvents;
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
  /** Streams of clipboards that were let through. */
  readonly #open = new Set<string>();

  constructor(rights: ViewerRights, events: ViewerEvents) {
    this.#rights = rights;
    this.#events = events;
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
    if (!control) return false;
    if (opcode === 'size') return resize;
    this.#events.active();
    const [stream = ''] = words;
    switch (opcode) {
      case 'key':
        this.#events.key(strokeOf(words));
        return true;
      case 'clipboard':
        if (!paste || this.#open.size > 16) return false;
        this.#open.add(stream);
        this.#events.clipboard.begun();
        return true;
      case 'blob':
        if (!this.#open.has(stream)) return false;
        this.#events.clipboard.piece(words[1] ?? '');
        return true;
      case 'end':
        if (!this.#open.delete(stream)) return false;
        this.#events.clipboard.done();
        return true;
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
  readonly clipboard: ClipboardEvents;
  /** `error` and `disconnect`; nothing is shown after them. */
  ended(fault: readonly string[] | undefined): void;
}

/** Streams that no viewer takes: files and devices. */
const NOT_SHOWN = new Set(['file', 'filesystem', 'body', 'pipe', 'argv', 'required']);

/** From guacd to a viewer. */
export class FromGuacd {
  readonly #events: GuacdEvents;
  readonly #copy: boolean;
  readonly #hidden = new Set<string>();
  readonly #clipboards = new Set<string>();

  constructor(rights: { readonly copy: boolean }, events: GuacdEvents) {
    this.#copy = rights.copy;
    this.#events = events;
  }

  /** What is shown of them, in pieces that are as long as they were received together. */
  pass(instructions: readonly Instruction[]): readonly Uint8Array[] {
    const shown: Uint8Array[] = [];
    let from: Uint8Array | undefined;
    let length = 0;
    const flush = (): void => {
      if (from !== undefined) shown.push(new Uint8Array(from.buffer, from.byteOffset, length));
      from = undefined;
      length = 0;
    };
    for (const instruction of instructions) {
      if (!this.#passes(instruction)) {
        flush();
        continue;
      }
      from ??= instruction.bytes;
      length += instruction.bytes.length;
    }
    flush();
    return shown;
  }

  #passes({ opcode, arguments: words }: Instruction): boolean {
    const [stream = ''] = words;
    switch (opcode) {
      case 'error':
        this.#events.ended(words);
        return false;
      case 'disconnect':
        this.#events.ended(undefined);
        return false;
      case 'clipboard':
        if (!this.#copy) {
          this.#hidden.add(stream);
          return false;
        }
        this.#clipboards.add(stream);
        this.#events.clipboard.begun();
        return true;
      case 'img':
      case 'audio':
      case 'video':
        this.#hidden.delete(stream);
        this.#clipboards.delete(stream);
        return true;
      case 'blob':
        if (this.#hidden.has(stream)) return false;
        if (this.#clipboards.has(stream)) this.#events.clipboard.piece(words[1] ?? '');
        return true;
      case 'end':
        if (this.#hidden.delete(stream)) return false;
        if (this.#clipboards.delete(stream)) this.#events.clipboard.done();
        return true;
      default:
        if (!NOT_SHOWN.has(opcode)) return true;
        this.#hidden.add(opcode === 'body' || opcode === 'filesystem' ? (words[1] ?? '') : stream);
        return false;
    }
  }
}
