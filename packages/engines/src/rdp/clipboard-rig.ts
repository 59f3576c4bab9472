import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { invalid, joinBytes, u16le, u32le, utf16, violation } from './codec/bytes.ts';
import { ClipboardChannel, type ClipboardPassage, type ClipboardPolicy } from './codec/clipboard.ts';
import { contentsRequest, type PassingFile } from './codec/clipboard-files.ts';
import { chunksOf, clipboardMessage as clip, type Direction } from './codec/clipboard-message.ts';

export const chunk = (message: Uint8Array, flags = 3, total = message.length): Uint8Array =>
  joinBytes(u32le(total), u32le(flags), message);
export const capabilities = (flags: number): Uint8Array =>
  clip(7, 0, joinBytes(u16le(1), u16le(0), u16le(1), u16le(12), u32le(2), u32le(flags)));
export const named = (id: number, name: string): Uint8Array => joinBytes(u32le(id), utf16(`${name}\0`));
export const TEXT_FORMAT = 13;
export const [FILES, CONTENTS] = [0xc0bc, 0xc0ba];
const NAMED_FILES = [named(FILES, 'FileGroupDescriptorW'), named(CONTENTS, 'FileContents')];
export const formats = (...entries: readonly Uint8Array[]): Uint8Array => clip(2, 0, joinBytes(...entries));
export const TEXT_LIST = formats(named(TEXT_FORMAT, ''));
export const FILE_LIST = formats(...NAMED_FILES);
export const BOTH_LISTS = formats(named(TEXT_FORMAT, ''), ...NAMED_FILES);
export const NO_FORMATS = clip(2);
export const TEXT = clip(5, 1, utf16('otters\0'));
export const ask = (id: number): Uint8Array => clip(4, 0, u32le(id));
/** CLIPRDR_FILEDESCRIPTOR. [MS-RDPECLIP] 2.2.5.2.3.1 */
export const described = (name: string, size: number | undefined, isFolder = false): Uint8Array => {
  const bytes = new Uint8Array(592);
  bytes.set(u32le(size === undefined ? 0x4 : 0x44), 0);
  bytes.set(u32le(isFolder ? 0x10 : 0x20), 36);
  if (size !== undefined) bytes.set(joinBytes(u32le(Math.floor(size / 2 ** 32)), u32le(size)), 64);
  bytes.set(utf16(name), 72);
  return bytes;
};
export const listed = (...files: readonly Uint8Array[]): Uint8Array =>
  clip(5, 1, joinBytes(u32le(files.length), ...files));
export const range = (stream: number, index: number, position: number, count: number): Uint8Array =>
  clip(8, 0, contentsRequest({ stream, index, wants: 'range', position, count }));
export const size = (stream: number, index: number): Uint8Array =>
  clip(8, 0, contentsRequest({ stream, index, wants: 'size', position: 0, count: 8 }));
export const contents = (stream: number, bytes: Uint8Array, flags = 1): Uint8Array =>
  clip(9, flags, joinBytes(u32le(stream), bytes));
export const failed = (stream: number): Uint8Array => contents(stream, new Uint8Array(0), 2);
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const ALL = { upload: true, download: true };
export const NONE = { upload: false, download: false };

export class Bench {
  readonly channel: ClipboardChannel;
  readonly content: Uint8Array[] = [];
  whole = 0;
  /** Of files. */
  readonly denied: Direction[] = [];
  readonly deniedText: Direction[] = [];
  /** What became of each file. */
  readonly files: string[] = [];
  readonly #hashes = new Map<PassingFile, Hash>();

  constructor(policy: Partial<ClipboardPolicy> = {}, flags = 0x3e) {
    this.channel = new ClipboardChannel(
      { text: ALL, files: ALL, ...policy },
      {
        content: (_direction, piece, isLast) => {
          this.content.push(piece);
          if (isLast) this.whole += 1;
        },
        files: {
          began: (file) => {
            this.#hashes.set(file, createHash('sha256'));
            this.files.push(`${file.direction} of ${file.name} (${file.size ?? '?'}) began`);
          },
          piece: (file, bytes) => void this.#hashes.get(file)?.update(bytes),
          ended: (file, { isWhole, isInOrder, bytes }) => {
            const hash = isInOrder ? (this.#hashes.get(file)?.digest('hex') ?? '') : 'unordered';
            this.files.push(`${file.name}: ${bytes} ${isWhole ? 'whole' : 'broken'} ${hash}`);
          },
        },
        denied: (direction, what) => (what === 'files' ? this.denied : this.deniedText).push(direction),
        broken: { upload: invalid, download: violation },
      },
    );
    this.target(capabilities(flags));
    this.viewer(capabilities(flags));
  }

  target(message: Uint8Array): Said {
    return said(chunksOf(message).map((one) => this.channel.fromTarget(one)));
  }

  viewer(message: Uint8Array): Said {
    return said(chunksOf(message).map((one) => this.channel.fromViewer(one)));
  }

  /** The machine has copied these. */
  copied(...files: readonly Uint8Array[]): void {
    this.target(FILE_LIST);
    this.viewer(ask(FILES));
    assert.ok(this.target(listed(...files)).onwards);
  }

  /** The person offers these. */
  offered(...files: readonly Uint8Array[]): void {
    this.viewer(formats(named(0xc0fe, 'FileGroupDescriptorW')));
    this.target(ask(0xc0fe));
    assert.ok(this.viewer(listed(...files)).onwards);
  }
}

interface Said {
  readonly onwards: Uint8Array | undefined;
  readonly back: Uint8Array | undefined;
}

/** Whole messages, of their chunks. */
export function said(passages: readonly ClipboardPassage[]): Said {
  const whole = (chunks: readonly Uint8Array[]): Uint8Array | undefined =>
    chunks.length === 0 ? undefined : joinBytes(...chunks.map((one) => one.subarray(8)));
  return {
    onwards: whole(passages.flatMap(({ onwards }) => onwards)),
    back: whole(passages.flatMap(({ back }) => back)),
  };
}

export const passes = (message: Uint8Array): Said => ({ onwards: message, back: undefined });
export const DROPPED: Said = { onwards: undefined, back: undefined };
export const refuses = (stream: number): Said => ({ onwards: undefined, back: failed(stream) });
