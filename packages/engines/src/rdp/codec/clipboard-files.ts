import { joinBytes, readU16, readU32, u32le } from './bytes.ts';
import type { Direction } from './clipboard-message.ts';

/** CLIPRDR_FILEDESCRIPTOR. [MS-RDPECLIP] 2.2.5.2.3.1 */
const DESCRIPTOR = { bytes: 592, attributes: 36, sizeHigh: 64, sizeLow: 68, name: 72 } as const;
const HAS_ATTRIBUTES = 0x4;
const HAS_SIZE = 0x40;
const FOLDER = 0x10;
/** More are left out of the list. */
const MOST_FILES = 1_000;
const WANTS = { size: 1, range: 2 } as const;
const REQUEST_BYTES = 24;
const SIZE_BYTES = 8;
/** What is asked for at once. */
const MOST_PIECE_BYTES: Readonly<Record<Direction, number>> = {
  upload: 4 * 1024 * 1024 - 64,
  download: 1024 * 1024,
};
const MOST_ASKED = 16;
/** A machine that reads one file again and again fills the audit log no further. */
const MOST_BEGINNINGS = 16;

export interface ListedFile {
  /** With the folders that it lies in, behind backslashes. Untrusted. */
  readonly name: string;
  readonly size: number | undefined;
  readonly isFolder: boolean;
}

export interface FileList {
  readonly files: readonly ListedFile[];
  readonly body: Uint8Array;
}

/** CLIPRDR_FILELIST; undefined where it holds less than it says. [MS-RDPECLIP] 2.2.5.2.3 */
export function parseFileList(body: Uint8Array): FileList | undefined {
  const announced = readU32(body, 0);
  if (body.length < 4 || announced > Math.floor((body.length - 4) / DESCRIPTOR.bytes)) return undefined;
  const count = Math.min(announced, MOST_FILES);
  const files = Array.from({ length: count }, (_, index): ListedFile => {
    const bytes = body.subarray(4 + index * DESCRIPTOR.bytes, 4 + (index + 1) * DESCRIPTOR.bytes);
    const flags = readU32(bytes, 0);
    const size = readU32(bytes, DESCRIPTOR.sizeHigh) * 2 ** 32 + readU32(bytes, DESCRIPTOR.sizeLow);
    return {
      name: nameOf(bytes.subarray(DESCRIPTOR.name)),
      size: (flags & HAS_SIZE) !== 0 && Number.isSafeInteger(size) ? size : undefined,
      isFolder: (flags & HAS_ATTRIBUTES) !== 0 && (readU32(bytes, DESCRIPTOR.attributes) & FOLDER) !== 0,
    };
  });
  return { files, body: joinBytes(u32le(count), body.subarray(4, 4 + count * DESCRIPTOR.bytes)) };
}

function nameOf(bytes: Uint8Array): string {
  let name = '';
  for (let at = 0; at + 2 <= bytes.length && readU16(bytes, at) !== 0; at += 2)
    name += String.fromCharCode(readU16(bytes, at));
  // Half a character is no text.
  return name.replaceAll(/\p{Surrogate}/gu, '\ufffd');
}

export interface ContentsRequest {
  readonly stream: number;
  readonly index: number;
  readonly wants: 'size' | 'range';
  readonly position: number;
  readonly count: number;
}

/**
 * CLIPRDR_FILECONTENTS_REQUEST; undefined where it is none. A clipDataId behind it is of locks, which nobody agreed on. xrdp 0.9 sends one
 * nevertheless, and asks for a size in no bytes. [MS-RDPECLIP] 2.2.5.3
 */
export function parseContentsRequest(body: Uint8Array): ContentsRequest | undefined {
  if (body.length < REQUEST_BYTES) return undefined;
  const [stream, index, flags] = [readU32(body, 0), readU32(body, 4), readU32(body, 8)];
  if (flags === WANTS.size) return { stream, index, wants: 'size', position: 0, count: SIZE_BYTES };
  const position = readU32(body, 12) + readU32(body, 16) * 2 ** 32;
  if (flags !== WANTS.range || !Number.isSafeInteger(position)) return undefined;
  return { stream, index, wants: 'range', position, count: readU32(body, 20) };
}

export function contentsRequest({ stream, index, wants, position, count }: ContentsRequest): Uint8Array {
  const [low, high] = [position % 2 ** 32, Math.floor(position / 2 ** 32)];
  return joinBytes(...[stream, index, WANTS[wants], low, high, count].map(u32le));
}

/** A file on its way. */
export interface PassingFile {
  readonly direction: Direction;
  readonly name: string;
  readonly size: number | undefined;
}

export interface FileEnd {
  /** As much has passed as the file holds. */
  readonly isWhole: boolean;
  /** False: the bytes passed in no order that a hash could be made of. */
  readonly isInOrder: boolean;
  readonly bytes: number;
}

export interface FileListener {
  began(file: PassingFile): void;
  /** The next bytes, in order from the first one. */
  piece(file: PassingFile, bytes: Uint8Array): void;
  ended(file: PassingFile, end: FileEnd): void;
}

interface Passing {
  readonly file: PassingFile;
  passed: number;
  isInOrder: boolean;
}

interface Entry {
  readonly listed: ListedFile;
  size: number | undefined;
  beginnings: number;
  passing: Passing | undefined;
  isGone: boolean;
}

/**
 * The contents of files, in one direction: what was asked for of the list that is there now, piece by piece. A person's page asks in order,
 * and gets nothing otherwise; a machine's programs read as they like, and one that reads in another order leaves no hash.
 */
export class FilePassage {
  readonly #direction: Direction;
  readonly #listener: FileListener;
  readonly #asked = new Map<number, { readonly request: ContentsRequest; readonly entry: Entry }>();
  #entries: readonly Entry[] = [];

  constructor(direction: Direction, listener: FileListener) {
    this.#direction = direction;
    this.#listener = listener;
  }

  /** What is on its way goes on where the list is the same one, announced again. */
  list(files: readonly ListedFile[]): void {
    const isSame =
      files.length === this.#entries.length &&
      files.every(({ name, size, isFolder }, index) => {
        const listed = this.#entries[index]?.listed;
        return listed?.name === name && listed.size === size && listed.isFolder === isFolder;
      });
    if (isSame) return;
    this.clear();
    this.#entries = files.map((listed) => ({
      ...{ listed, size: listed.size, beginnings: 0 },
      ...{ passing: undefined, isGone: false },
    }));
  }

  /** There are no files any more. */
  clear(): void {
    for (const entry of this.#entries) {
      this.#end(entry);
      entry.isGone = true;
    }
    this.#entries = [];
  }

  /** Whether it may be asked. */
  ask(request: ContentsRequest): boolean {
    const { stream, index, wants, position, count } = request;
    const entry = this.#entries[index];
    if (entry === undefined || entry.listed.isFolder || entry.beginnings > MOST_BEGINNINGS) return false;
    if (this.#asked.has(stream) || this.#asked.size >= MOST_ASKED) return false;
    if (wants === 'range') {
      if (count === 0 || count > MOST_PIECE_BYTES[this.#direction]) return false;
      if (this.#direction === 'download' && !this.#isNext(entry, position)) return false;
    }
    this.#asked.set(stream, { request, entry });
    return true;
  }

  /** What goes on of an answer: its bytes, or undefined for a failure. `unasked` goes nowhere. */
  answer(stream: number, bytes: Uint8Array | undefined): Uint8Array | 'unasked' | undefined {
    const asked = this.#asked.get(stream);
    if (asked === undefined) return 'unasked';
    this.#asked.delete(stream);
    const { request, entry } = asked;
    if (entry.isGone) return undefined;
    if (bytes === undefined) {
      this.#end(entry);
      return undefined;
    }
    return request.wants === 'size' ? this.#sized(entry, bytes) : this.#pass(entry, request, bytes);
  }

  #isNext(entry: Entry, position: number): boolean {
    for (const asked of this.#asked.values())
      if (asked.entry === entry && asked.request.wants === 'range') return false;
    return position === 0 || position === entry.passing?.passed;
  }

  #sized(entry: Entry, bytes: Uint8Array): Uint8Array | undefined {
    const size = readU32(bytes, 0) + readU32(bytes, 4) * 2 ** 32;
    if (bytes.length < SIZE_BYTES || !Number.isSafeInteger(size)) return undefined;
    if (entry.passing === undefined) entry.size = size;
    if (size === 0 && entry.passing === undefined) {
      this.#begin(entry, true);
      this.#end(entry, true);
    }
    return bytes.subarray(0, SIZE_BYTES);
  }

  #pass(entry: Entry, { position, count }: ContentsRequest, bytes: Uint8Array): Uint8Array | undefined {
    const isTooMuch = bytes.length > count || position + bytes.length > (entry.size ?? Number.MAX_SAFE_INTEGER);
    if (isTooMuch) {
      this.#end(entry);
      return undefined;
    }
    if (bytes.length === 0) return bytes;
    if (position === 0) this.#end(entry);
    const passing = (entry.passing ??= this.#begin(entry, position === 0));
    if (position !== passing.passed) passing.isInOrder = false;
    if (passing.isInOrder) this.#listener.piece(passing.file, bytes);
    passing.passed += bytes.length;
    const isAll = entry.size === undefined ? bytes.length < count : passing.passed >= entry.size;
    if (isAll) this.#end(entry, true);
    return bytes;
  }

  #begin(entry: Entry, isInOrder: boolean): Passing {
    const file = { direction: this.#direction, name: entry.listed.name, size: entry.size };
    entry.beginnings += 1;
    entry.passing = { file, passed: 0, isInOrder };
    this.#listener.began(file);
    return entry.passing;
  }

  /** What is on its way of it, if anything. */
  #end(entry: Entry, isWhole = false): void {
    const { passing } = entry;
    if (passing === undefined) return;
    entry.passing = undefined;
    const { file, passed: bytes, isInOrder } = passing;
    this.#listener.ended(file, { isWhole, isInOrder, bytes });
  }
}
