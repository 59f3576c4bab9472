import { joinBytes, readU16, readU32, u32le } from './bytes.ts';
import {
  contentsRequest,
  FilePassage,
  parseContentsRequest,
  parseFileList,
  type FileListener,
} from './clipboard-files.ts';
import { formatList, kindOfRequest, parseFormats, permittedCapabilities, type Format } from './clipboard-formats.ts';
import {
  ANSWER,
  ASCII_NAMES,
  CHUNK,
  CHUNK_HEAD_BYTES,
  chunksOf,
  clipboardMessage,
  MESSAGE,
  MESSAGE_HEAD_BYTES,
  type Direction,
} from './clipboard-message.ts';

type Rights = Readonly<Record<Direction, boolean>>;

/** Which contents may leave either clipboard: files and text, and nothing else. */
export interface ClipboardPolicy {
  readonly text: Rights;
  readonly files: Rights;
}

export interface ClipboardListener {
  /** Pieces of a content other than files, as they pass. */
  content(direction: Direction, piece: Uint8Array, isLast: boolean): void;
  readonly files: FileListener;
  /** A viewer asked for contents, or offered some, that policy denies. Nothing that a decoder does by itself, which is told of none. */
  denied(direction: Direction, what: 'files' | 'text'): void;
  readonly broken: Readonly<Record<Direction, (words: string) => Error>>;
}

/** Chunks, in order. */
export interface ClipboardPassage {
  readonly onwards: readonly Uint8Array[];
  /** To whoever said it. */
  readonly back: readonly Uint8Array[];
}

const MOST_BYTES: Readonly<Record<Direction, number>> = { upload: 4 * 1024 * 1024, download: 16 * 1024 * 1024 };
const NOTHING: ClipboardPassage = { onwards: [], back: [] };

/** What one side has on its clipboard. */
interface Offer {
  /** All that it announced, also what the other side was not told of. */
  formats: readonly Format[];
  /** Of the last request that its owner was given. */
  asked: Format['kind'] | undefined;
  readonly passage: FilePassage;
}

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

export function isAnyPermitted({ text, files }: ClipboardPolicy): boolean {
  return text.upload || text.download || files.upload || files.download;
}

/** The clipboard channel of a connection: what may not pass is left out, emptied or refused. [MS-RDPECLIP] 1.3.2 */
export class ClipboardChannel {
  readonly #policy: ClipboardPolicy;
  readonly #listener: ClipboardListener;
  readonly #offers: Readonly<Record<Direction, Offer>>;
  readonly #flows: Readonly<Record<Direction, ClipboardFlow>>;
  readonly #longNames = { upload: false, download: false };

  constructor(policy: ClipboardPolicy, listener: ClipboardListener) {
    this.#policy = policy;
    this.#listener = listener;
    const offer = (direction: Direction): Offer => ({
      formats: [],
      asked: undefined,
      passage: new FilePassage(direction, listener.files),
    });
    this.#offers = { upload: offer('upload'), download: offer('download') };
    const flow = (direction: Direction): ClipboardFlow =>
      new ClipboardFlow({
        most: MOST_BYTES[direction],
        broken: listener.broken[direction],
        handling: (type, flags) => this.#handling(direction, type, flags),
        content: (piece, isLast) => {
          listener.content(direction, piece, isLast);
        },
        whole: (message) => this.#whole(direction, message),
      });
    this.#flows = { upload: flow('upload'), download: flow('download') };
  }

  fromTarget(chunk: Uint8Array): ClipboardPassage {
    return this.#flows.download.push(chunk);
  }

  fromViewer(chunk: Uint8Array): ClipboardPassage {
    return this.#flows.upload.push(chunk);
  }

  /** Nobody hears any more what comes: files that are on their way have broken off. */
  close(): void {
    for (const { passage } of Object.values(this.#offers)) passage.clear();
  }

  /** `from` is the way of what its sender has on its own clipboard. */
  #handling(from: Direction, type: number, flags: number): Handling {
    const { text, files } = this.#policy;
    switch (type) {
      case MESSAGE.monitorReady:
        return from === 'download' ? 'whole' : 'dropped';
      case MESSAGE.capabilities:
      case MESSAGE.formatList:
      case MESSAGE.formatListResponse:
      case MESSAGE.dataRequest:
      case MESSAGE.contentsRequest:
        return 'whole';
      case MESSAGE.dataResponse: {
        if (files[from] && (this.#offers[from].asked === 'list' || !text[from])) return 'whole';
        if (!text[from]) return 'dropped';
        return flags === ANSWER.ok ? 'content' : 'passed';
      }
      case MESSAGE.contentsResponse:
        return files[from] ? 'whole' : 'dropped';
      // Locks and the folder for temporary files are of no use here.
      default:
        return 'dropped';
    }
  }

  #whole(from: Direction, message: Message): Answer {
    switch (message.type) {
      case MESSAGE.capabilities: {
        const { files } = this.#policy;
        const permitted = permittedCapabilities(message.body, files.upload || files.download);
        this.#longNames[from] = permitted.hasLongNames;
        return { onwards: clipboardMessage(message.type, message.flags, permitted.body) };
      }
      case MESSAGE.formatList:
        return { onwards: this.#announced(from, message) };
      case MESSAGE.dataRequest:
        return this.#dataAsked(from, message);
      case MESSAGE.dataResponse:
        return this.#listed(from, message);
      case MESSAGE.contentsRequest:
        return this.#contentsAsked(from, message);
      case MESSAGE.contentsResponse:
        return this.#contents(from, message);
      default:
        return { onwards: clipboardMessage(message.type, message.flags, message.body) };
    }
  }

  #isPermitted(kind: Format['kind'], direction: Direction): boolean {
    const { text, files } = this.#policy;
    return kind === 'text' ? text[direction] : kind !== 'other' && files[direction];
  }

  #announced(from: Direction, { flags, body }: Message): Uint8Array {
    const isLong = this.#longNames.upload && this.#longNames.download;
    const isAscii = (flags & ASCII_NAMES) !== 0;
    const formats = parseFormats(body, isLong ? 'long' : isAscii ? 'short-ascii' : 'short');
    const { files, text } = this.#policy;
    const permitted = formats.filter(({ kind }) => this.#isPermitted(kind, from));
    const offer = this.#offers[from];
    offer.formats = formats;
    offer.asked = undefined;
    if (!permitted.some(({ kind }) => kind === 'list')) offer.passage.clear();
    if (from === 'upload') {
      if (!files.upload && formats.some(({ kind }) => kind === 'list')) this.#listener.denied('upload', 'files');
      if (!text.upload && formats.some(({ kind }) => kind === 'text')) this.#listener.denied('upload', 'text');
    }
    return clipboardMessage(MESSAGE.formatList, flags & ASCII_NAMES, formatList(permitted));
  }

  /** Asks the other side for its content. */
  #dataAsked(from: Direction, { flags, body }: Message): Answer {
    const of = otherOf(from);
    const offer = this.#offers[of];
    const id = readU32(body, 0);
    const kind = kindOfRequest(id, offer.formats);
    if (kind === undefined || !this.#isPermitted(kind, of)) {
      if (from === 'upload' && kind !== undefined && kind !== 'other')
        this.#listener.denied('download', kind === 'text' ? 'text' : 'files');
      return {};
    }
    offer.asked = kind;
    return { onwards: clipboardMessage(MESSAGE.dataRequest, flags, u32le(id)) };
  }

  /** Files by name and size. */
  #listed(from: Direction, { flags, body }: Message): Answer {
    const offer = this.#offers[from];
    if (offer.asked !== 'list') return {};
    offer.asked = undefined;
    const list = flags === ANSWER.ok ? parseFileList(body) : undefined;
    if (list === undefined) return { onwards: clipboardMessage(MESSAGE.dataResponse, ANSWER.fail) };
    offer.passage.list(list.files);
    return { onwards: clipboardMessage(MESSAGE.dataResponse, ANSWER.ok, list.body) };
  }

  #contentsAsked(from: Direction, { body }: Message): Answer {
    const of = otherOf(from);
    const request = parseContentsRequest(body);
    const isPermitted = this.#policy.files[of];
    if (!isPermitted && from === 'upload') this.#listener.denied('download', 'files');
    if (request !== undefined && isPermitted && this.#offers[of].passage.ask(request))
      return { onwards: clipboardMessage(MESSAGE.contentsRequest, 0, contentsRequest(request)) };
    return { back: clipboardMessage(MESSAGE.contentsResponse, ANSWER.fail, u32le(readU32(body, 0))) };
  }

  /** [MS-RDPECLIP] 2.2.5.4 */
  #contents(from: Direction, { flags, body }: Message): Answer {
    const stream = readU32(body, 0);
    const passed = this.#offers[from].passage.answer(stream, flags === ANSWER.ok ? body.subarray(4) : undefined);
    if (passed === 'unasked') return {};
    return {
      onwards:
        passed === undefined
          ? clipboardMessage(MESSAGE.contentsResponse, ANSWER.fail, u32le(stream))
          : clipboardMessage(MESSAGE.contentsResponse, ANSWER.ok, joinBytes(u32le(stream), passed)),
    };
  }
}

function otherOf(direction: Direction): Direction {
  return direction === 'upload' ? 'download' : 'upload';
}

/** `content`: passed as it comes, and told of. `whole`: looked at once it is all there. */
type Handling = 'dropped' | 'passed' | 'content' | 'whole';

interface Answer {
  readonly onwards?: Uint8Array;
  readonly back?: Uint8Array;
}

interface FlowParts {
  readonly most: number;
  readonly broken: (words: string) => Error;
  readonly handling: (type: number, flags: number) => Handling;
  readonly content: (piece: Uint8Array, isLast: boolean) => void;
  readonly whole: (message: Message) => Answer;
}

/** One way of the channel, chunk by chunk. */
class ClipboardFlow {
  readonly #parts: FlowParts;
  #handling: Handling = 'dropped';
  #left = 0;
  #contentLeft = 0;
  #gathered: Uint8Array[] = [];
  #shown = 0;

  constructor(parts: FlowParts) {
    this.#parts = parts;
  }

  push(chunk: Uint8Array): ClipboardPassage {
    const { broken } = this.#parts;
    if (chunk.length < CHUNK_HEAD_BYTES) throw broken('a chunk of the clipboard without a head');
    const flags = readU32(chunk, 4);
    if ((flags & CHUNK.compressed) !== 0) throw broken('a compressed chunk, which was not agreed on');
    const payload = chunk.subarray(CHUNK_HEAD_BYTES);
    if ((flags & CHUNK.first) !== 0) this.#begin(chunk, payload, (flags & CHUNK.last) !== 0);
    else if (payload.length > this.#left) throw broken('a clipboard longer than it said');
    this.#left -= payload.length;
    switch (this.#handling) {
      case 'dropped':
        return NOTHING;
      case 'whole':
        return this.#gather(payload);
      case 'content':
        this.#tell((flags & CHUNK.first) === 0 ? payload : payload.subarray(MESSAGE_HEAD_BYTES));
        return { onwards: [chunk], back: [] };
      case 'passed':
        return { onwards: [chunk], back: [] };
    }
  }

  #begin(chunk: Uint8Array, payload: Uint8Array, isAll: boolean): void {
    const total = readU32(chunk, 0);
    const { broken, most } = this.#parts;
    if (total > most) throw broken(`a clipboard of ${total} bytes`);
    if (payload.length > total || (isAll && payload.length !== total) || payload.length < MESSAGE_HEAD_BYTES)
      throw broken('a clipboard message whose length is wrong');
    this.#left = total;
    this.#gathered = [];
    this.#shown = readU32(chunk, 4) & CHUNK.showProtocol;
    this.#handling = this.#parts.handling(readU16(payload, 0), readU16(payload, 2));
    // xrdp pads its messages.
    this.#contentLeft = Math.min(readU32(payload, 4), total - MESSAGE_HEAD_BYTES);
  }

  #gather(payload: Uint8Array): ClipboardPassage {
    this.#gathered.push(this.#left === 0 ? payload : payload.slice());
    if (this.#left > 0) return NOTHING;
    const message = joinBytes(...this.#gathered.splice(0));
    const body = message.subarray(MESSAGE_HEAD_BYTES, MESSAGE_HEAD_BYTES + this.#contentLeft);
    this.#handling = 'dropped';
    const { onwards, back } = this.#parts.whole({ type: readU16(message, 0), flags: readU16(message, 2), body });
    const chunks = (whole: Uint8Array | undefined): readonly Uint8Array[] =>
      whole === undefined ? [] : chunksOf(whole, this.#shown);
    return { onwards: chunks(onwards), back: chunks(back) };
  }

  #tell(payload: Uint8Array): void {
    const piece = payload.slice(0, this.#contentLeft);
    this.#contentLeft -= piece.length;
    this.#parts.content(piece, this.#left === 0);
  }
}
