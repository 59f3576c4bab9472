import { joinBytes, latin1, readU16, readU32, u32le } from './bytes.ts';
import { CHUNK, CHUNK_HEAD_BYTES } from './clipboard.ts';

/** Cmd. [MS-RDPEDYC] 2.2 */
const COMMAND = { create: 1, dataFirst: 2, data: 3, close: 4, capabilities: 5 } as const;
/** [MS-RDPEDISP] 1.5 */
export const DISPLAY_CONTROL = 'Microsoft::Windows::RDS::DisplayControl';
/** CreationStatus of a channel that nobody here listens on: STATUS_UNSUCCESSFUL, as other clients say. */
const NOBODY = 0xc000_0001;
const MOST_OPEN = 16;

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
  #passes = { target: false, viewer: false };

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  fromTarget(chunk: Uint8Array): Passage {
    if (chunk.length < CHUNK_HEAD_BYTES + 1) return {};
    const flags = readU32(chunk, 4);
    if ((flags & CHUNK.compressed) !== 0) return {};
    if ((flags & CHUNK.first) === 0) return this.#passes.target ? { onwards: chunk } : {};
    const payload = chunk.subarray(CHUNK_HEAD_BYTES);
    const { command, channel, at } = headOf(payload);
    this.#passes.target = command === COMMAND.capabilities || this.#open.has(channel);
    if (command === COMMAND.create) {
      const name = latin1(payload.subarray(at));
      this.#passes.target = (flags & CHUNK.last) !== 0 && this.#names.has(name) && this.#open.size < MOST_OPEN;
      if (!this.#passes.target) return { back: refusal(payload.subarray(0, at)) };
      this.#open.add(channel);
    }
    if (command > COMMAND.capabilities) this.#passes.target = false;
    if (command === COMMAND.close) this.#open.delete(channel);
    return this.#passes.target ? { onwards: chunk } : {};
  }

  fromViewer(chunk: Uint8Array): Passage {
    if (chunk.length < CHUNK_HEAD_BYTES + 1) return {};
    if ((readU32(chunk, 4) & CHUNK.first) !== 0) {
      const { command, channel } = headOf(chunk.subarray(CHUNK_HEAD_BYTES));
      this.#passes.viewer =
        command === COMMAND.capabilities || (command < COMMAND.capabilities && this.#open.has(channel));
    }
    return this.#passes.viewer ? { onwards: chunk } : {};
  }
}

/** DYNVC_CREATE_RSP. [MS-RDPEDYC] 2.2.2.2 */
function refusal(head: Uint8Array): Uint8Array {
  const answer = joinBytes(head, u32le(NOBODY));
  answer[0] = (COMMAND.create << 4) | ((head[0] ?? 0) & 3);
  return joinBytes(u32le(answer.length), u32le(CHUNK.first | CHUNK.last), answer);
}
