import type { KeyStroke } from '@enchilada/core/recording';
import { Fault } from '@enchilada/core/fault';
import { carriesText, isAboutText, isOfText, parseCutText, type CutText } from './cut-text.ts';
import type { RfbState } from './rfb-state.ts';
import { CLIENT, joinBytes, parsePixelFormat, viewOf } from './wire.ts';

export interface ClientPolicy {
  /** False: keys, pointer, clipboard and the desktop's size stay the machine's own. */
  readonly control: boolean;
  /** Whether the person may put something on the machine's clipboard. */
  readonly paste: boolean;
  /** Whether the person's window may change the desktop's size. */
  readonly resize: boolean;
  /** Which of the encodings that a viewer wants the machine may use, and with what settings. */
  readonly encodings: (wanted: readonly number[]) => readonly number[];
}

export interface ClientEvents {
  cutText(message: CutText): void;
  /** Text was brought or announced that policy withholds from the machine. */
  denied(): void;
  /** A key, a pointer, a paste. */
  active(): void;
  key(stroke: KeyStroke): void;
  pointer(place: { readonly x: number; readonly y: number; readonly buttons: number }): void;
}

const MOST_CUT_TEXT = 4 * 1024 * 1024;
const MOST_ENCODINGS = 128;
const MOST_SCREENS = 64;

function invalid(words: string): Fault {
  return new Fault('PROTOCOL_MESSAGE_INVALID', `the viewer broke the RFB protocol: ${words}`);
}

/**
 * Finds the messages in what a viewer sends (RFC 6143 section 7.5) and lets through what policy allows.
 * INVARIANT: a message passes whole or not at all, so that the target never sees half of one.
 */
export class ClientMessages {
  readonly #state: RfbState;
  readonly #policy: ClientPolicy;
  readonly #events: ClientEvents;
  #head: Uint8Array | undefined;
  #updatesRequested = false;

  constructor(state: RfbState, policy: ClientPolicy, events: ClientEvents) {
    this.#state = state;
    this.#policy = policy;
    this.#events = events;
  }

  /** What goes on to the target. @throws Fault PROTOCOL_MESSAGE_INVALID */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    const bytes = this.#head === undefined ? chunk : joinBytes([this.#head, chunk]);
    this.#head = undefined;
    const out: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      const length = this.#length(bytes.subarray(at));
      if (length === undefined || length > bytes.length - at) {
        this.#head = bytes.slice(at);
        break;
      }
      const passed = this.#judge(bytes.subarray(at, at + length));
      if (passed !== undefined) out.push(passed);
      at += length;
    }
    return out;
  }

  /** Undefined where the first bytes do not tell yet. */
  #length(bytes: Uint8Array): number | undefined {
    const view = viewOf(bytes);
    switch (bytes[0]) {
      case CLIENT.setPixelFormat:
        return 20;
      case CLIENT.setEncodings: {
        if (bytes.length < 4) return undefined;
        const count = view.getUint16(2);
        if (count > MOST_ENCODINGS) throw invalid(`${count} encodings`);
        return 4 + 4 * count;
      }
      case CLIENT.framebufferUpdateRequest:
      case CLIENT.enableContinuousUpdates:
        return 10;
      case CLIENT.keyEvent:
        return 8;
      case CLIENT.pointerEvent:
        if (bytes.length < 2) return undefined;
        return this.#state.extendedMouseButtons && (view.getUint8(1) & 0x80) !== 0 ? 7 : 6;
      case CLIENT.clientCutText: {
        if (bytes.length < 8) return undefined;
        const size = Math.abs(view.getInt32(4));
        if (size > MOST_CUT_TEXT) throw invalid(`a clipboard of ${size} bytes`);
        return 8 + size;
      }
      case CLIENT.fence: {
        if (bytes.length < 9) return undefined;
        const size = view.getUint8(8);
        if (size > 64) throw invalid(`a fence of ${size} bytes`);
        return 9 + size;
      }
      case CLIENT.xvp:
        return 4;
      case CLIENT.setDesktopSize: {
        if (bytes.length < 7) return undefined;
        const screens = view.getUint8(6);
        if (screens > MOST_SCREENS) throw invalid(`${screens} screens`);
        return 8 + 16 * screens;
      }
      case CLIENT.qemu:
        if (bytes.length < 2) return undefined;
        if (view.getUint8(1) !== 0) throw invalid(`sub-message ${view.getUint8(1)} of QEMU`);
        return 12;
      default:
        throw invalid(`message ${bytes[0]} is unknown`);
    }
  }

  /** The message as it goes on; undefined where it does not. */
  #judge(message: Uint8Array): Uint8Array | undefined {
    const view = viewOf(message);
    const { control, paste, resize } = this.#policy;
    switch (message[0]) {
      case CLIENT.setPixelFormat:
        return this.#setPixelFormat(message, view);
      case CLIENT.setEncodings:
        return this.#setEncodings(view);
      case CLIENT.framebufferUpdateRequest:
        this.#updatesRequested = true;
        return message;
      case CLIENT.enableContinuousUpdates:
        this.#state.continuousUpdates = message[1] !== 0;
        return message;
      case CLIENT.fence:
        return message;
      case CLIENT.clientCutText: {
        const cutText = parseCutText(view.getInt32(4), message.subarray(8));
        if (cutText === undefined) throw invalid('an extended clipboard without its flags');
        const carries = carriesText(cutText);
        if (carries && !(control && paste)) {
          if (isAboutText(cutText)) this.#events.denied();
          return undefined;
        }
        if (!control || !isOfText(cutText)) return undefined;
        if (!carries) return message;
        this.#events.active();
        this.#events.cutText(cutText);
        return message;
      }
      case CLIENT.setDesktopSize:
        return control && resize ? message : undefined;
      default:
        if (!control) return undefined;
        this.#events.active();
        this.#tell(view);
        return message;
    }
  }

  /** RFC 6143 sections 7.5.4 and 7.5.5; QEMU's message has the keysym too. */
  #tell(view: DataView): void {
    switch (view.getUint8(0)) {
      case CLIENT.keyEvent:
        this.#events.key({ code: 'keysym', value: view.getUint32(4), isDown: view.getUint8(1) !== 0 });
        return;
      case CLIENT.qemu: {
        const [value, scancode] = [view.getUint32(4), view.getUint32(8)];
        const isDown = view.getUint16(2) !== 0;
        this.#events.key(
          value === 0 ? { code: 'scancode', value: scancode, isDown } : { code: 'keysym', value, isDown },
        );
        return;
      }
      case CLIENT.pointerEvent:
        this.#events.pointer({ x: view.getUint16(2), y: view.getUint16(4), buttons: view.getUint8(1) & 0x7f });
        return;
      default:
    }
  }

  #setPixelFormat(message: Uint8Array, view: DataView): Uint8Array {
    const format = parsePixelFormat(view, 4);
    if (format === undefined) throw invalid('a pixel format that is not relayed');
    // Updates that are on their way would be read in the wrong format.
    if (this.#updatesRequested) throw invalid('another pixel format once updates were asked for');
    this.#state.format = format;
    return message;
  }

  #setEncodings(view: DataView): Uint8Array {
    const wanted = Array.from({ length: view.getUint16(2) }, (_, index) => view.getInt32(4 + 4 * index));
    const allowed = this.#policy.encodings(wanted);
    const out = new Uint8Array(4 + 4 * allowed.length);
    const target = viewOf(out);
    target.setUint8(0, CLIENT.setEncodings);
    target.setUint16(2, allowed.length);
    allowed.forEach((encoding, index) => {
      target.setInt32(4 + 4 * index, encoding);
    });
    return out;
  }
}
