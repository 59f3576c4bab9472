import { ascii, joinBytes, latin1, readU16, readU32, u16le, u32le } from './bytes.ts';
import { CHUNK, CHUNK_HEAD_BYTES } from './clipboard-message.ts';

/** Cmd. [MS-RDPEDYC] 2.2 */
const COMMAND = { create: 1, dataFirst: 2, data: 3, close: 4, capabilities: 5 } as const;
/** [MS-RDPEDISP] 1.5 */
export const DISPLAY_CONTROL = 'Microsoft::Windows::RDS::DisplayControl';
/** CreationStatus of a channel that nobody here listens on: STATUS_UNSUCCESSFUL, as other clients say. */
const NOBODY = 0xc000_0001;
const MOST_OPEN = 16;
/** A number of its own, in two bytes, which servers that count from one do not come to. */
const OFFERED = 0xfffe;
/** DISPLAYCONTROL_CAPS_PDU: one monitor, of at most 8192 × 8192. [MS-RDPEDISP] 2.2.2.1 */
const DISPLAY_CAPABILITIES = [5, 20, 1, 8_192, 8_192] as const;

export interface DynamicPolicy {
  readonly names: ReadonlySet<string>;
}

export interface Passage {
  /** Goes on. */
  readonly onwards?: Uint8Array;
  /** Goes back to the target. */
  readonly back?: Uint8Array;
}

interface Head {
  readonly command: number;
  readonly channel: number;
  /** Offset behind the channel's number. */
  readonly at: number;
}

function headOf(payload: Uint8Array): Head {
  const first = payload[0] ?? 0;
  const [command, size] = [first >> 4, first & 3];
  if (size === 0) return { command, channel: payload[1] ?? 0, at: 2 };
  return size === 1
    ? { command, channel: readU16(payload, 1), at: 3 }
    : { command, channel: readU32(payload, 1), at: 5 };
}

/** Dynamic channels of a connection: the viewer's decoder hears only of those that policy names. [MS-RDPEDYC] 1.3 */
export class DynamicChannels {
  readonly #names: ReadonlySet<string>;
  readonly #open = new Set<number>();
  #displayControl: 'none' | 'offered' | number = 'none';
  #isAskedForCapabilities = false;
  #passes = { target: false, viewer: false };

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  /** Whether the decoder has display control, by which alone it learns of another size. */
  get hasDisplayControl(): boolean {
    return this.#displayControl !== 'none';
  }

  /**
   * Opens display control toward the decoder of a machine that has none, or whose policy denies it: the chunks for the decoder. What the decoder says on it
   * goes nowhere, and the machine cannot open one of its own any more.
   */
  offerDisplayControl(): readonly Uint8Array[] {
    this.#displayControl = 'offered';
    const head = (command: number): Uint8Array => joinBytes(Uint8Array.of((command << 4) | 1), u16le(OFFERED));
    return [
      chunkOf(joinBytes(head(COMMAND.create), ascii(`${DISPLAY_CONTROL}\0`))),
      chunkOf(joinBytes(head(COMMAND.data), ...DISPLAY_CAPABILITIES.map(u32le))),
    ];
  }

  fromTarget(chunk: Uint8Array): Passage {
    if (chunk.length < CHUNK_HEAD_BYTES + 1) return {};
    const flags = readU32(chunk, 4);
    if ((flags & CHUNK.compressed) !== 0) return {};
    if ((flags & CHUNK.first) === 0) return this.#passes.target ? { onwards: chunk } : {};
    const payload = chunk.subarray(CHUNK_HEAD_BYTES);
    const { command, channel, at } = headOf(payload);
    this.#passes.target = command === COMMAND.capabilities || this.#open.has(channel);
    if (command === COMMAND.capabilities) this.#isAskedForCapabilities = true;
    if (command === COMMAND.create) {
      const name = latin1(payload.subarray(at));
      this.#passes.target = (flags & CHUNK.last) !== 0 && this.#mayOpen(name, channel);
      if (!this.#passes.target) return { back: refusal(payload.subarray(0, at)) };
      this.#open.add(channel);
      if (name === DISPLAY_CONTROL) this.#displayControl = channel;
    }
    if (command > COMMAND.capabilities) this.#passes.target = false;
    if (command === COMMAND.close) {
      this.#open.delete(channel);
      if (this.#displayControl === channel) this.#displayControl = 'none';
    }
    return this.#passes.target ? { onwards: chunk } : {};
  }

  fromViewer(chunk: Uint8Array): Passage {
    if (chunk.length < CHUNK_HEAD_BYTES + 1) return {};
    if ((readU32(chunk, 4) & CHUNK.first) !== 0) {
      const { command, channel } = headOf(chunk.subarray(CHUNK_HEAD_BYTES));
      this.#passes.viewer =
        command === COMMAND.capabilities
          ? this.#isAskedForCapabilities
          : command < COMMAND.capabilities && this.#open.has(channel);
      if (command === COMMAND.capabilities) this.#isAskedForCapabilities = false;
    }
    return this.#passes.viewer ? { onwards: chunk } : {};
  }

  #mayOpen(name: string, channel: number): boolean {
    if (this.#displayControl === 'offered' && (name === DISPLAY_CONTROL || channel === OFFERED)) return false;
    return this.#names.has(name) && this.#open.size < MOST_OPEN;
  }
}

function chunkOf(payload: Uint8Array): Uint8Array {
  return joinBytes(u32le(payload.length), u32le(CHUNK.first | CHUNK.last), payload);
}

/** DYNVC_CREATE_RSP. [MS-RDPEDYC] 2.2.2.2 */
function refusal(head: Uint8Array): Uint8Array {
  const answer = joinBytes(head, u32le(NOBODY));
  answer[0] = (COMMAND.create << 4) | ((head[0] ?? 0) & 3);
  return chunkOf(answer);
}
