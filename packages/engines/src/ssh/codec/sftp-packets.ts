import type { FileAttributes, FileKind } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';

/** Version 3, the one that OpenSSH speaks: [draft-ietf-secsh-filexfer-02](https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02). */
export const SFTP_VERSION = 3;

export const REQUEST = {
  INIT: 1,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  EXTENDED: 200,
} as const;
const RESPONSE = {
  VERSION: 2,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED_REPLY: 201,
} as const;

export const STATUS = { OK: 0, EOF: 1, NO_SUCH_FILE: 2, PERMISSION_DENIED: 3, FAILURE: 4 } as const;
export const OPEN_FLAG = { READ: 1, WRITE: 2, CREATE: 8, TRUNCATE: 16, EXCLUSIVE: 32 } as const;

/** OpenSSH's own limit for a packet (sftp-common.h, SFTP_MAX_MSG_LENGTH). */
const MAX_PACKET_BYTES = 256 * 1024;
/** draft section 7.2: a handle is at most 256 bytes. */
const MAX_HANDLE_BYTES = 256;
const MAX_EXTENSIONS = 64;

export interface NamedAttributes extends FileAttributes {
  readonly name: Uint8Array;
}

export type SftpResponse =
  | { readonly type: 'version'; readonly version: number; readonly extensions: ReadonlyMap<string, string> }
  | { readonly type: 'status'; readonly id: number; readonly code: number }
  | { readonly type: 'handle'; readonly id: number; readonly handle: Uint8Array }
  | { readonly type: 'data'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'name'; readonly id: number; readonly entries: readonly NamedAttributes[] }
  | { readonly type: 'attributes'; readonly id: number; readonly attributes: FileAttributes }
  | { readonly type: 'extended'; readonly id: number; readonly payload: Uint8Array };

function violation(what: string): Fault {
  return new Fault('TARGET_PROTOCOL_VIOLATION', `the target's file service broke its protocol: ${what}`);
}

/** Cuts the stream into packets; each is copied once, into a buffer of its own. */
export class SftpDecoder {
  #head = new Uint8Array(4);
  #headUsed = 0;
  #packet: Uint8Array | undefined;
  #used = 0;

  /** @throws Fault TARGET_PROTOCOL_VIOLATION */
  *push(bytes: Uint8Array): Generator<SftpResponse> {
    for (let at = 0; at < bytes.length;) {
      if (this.#packet === undefined) {
        this.#head[this.#headUsed++] = bytes[at++] ?? 0;
        if (this.#headUsed < 4) continue;
        const length = new DataView(this.#head.buffer).getUint32(0);
        if (length < 5 || length > MAX_PACKET_BYTES) throw violation(`a packet of ${length} bytes`);
        this.#packet = new Uint8Array(length);
        this.#used = 0;
        continue;
      }
      const part = bytes.subarray(at, at + this.#packet.length - this.#used);
      this.#packet.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used < this.#packet.length) continue;
      const packet = this.#packet;
      this.#packet = undefined;
      this.#headUsed = 0;
      yield readResponse(packet);
    }
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++] ?? 0;
  }

  uint32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  /** Beyond 2^53 a size is a lie, and as a number it would lose its last digits. */
  uint64(): number {
    const high = this.uint32();
    const low = this.uint32();
    if (high >= 0x20_0000) throw violation('a number beyond 2^53');
    return high * 0x1_0000_0000 + low;
  }

  bytes(): Uint8Array {
    const length = this.uint32();
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  #need(length: number): void {
    if (length > this.left) throw violation('a packet that ends early');
  }
}

const ATTRIBUTE = { SIZE: 1, UIDGID: 2, PERMISSIONS: 4, ACMODTIME: 8, EXTENDED: 0x8000_0000 } as const;
/** The file type in the mode, as POSIX systems have it. */
const KINDS: Readonly<Record<number, FileKind>> = { 0o100000: 'file', 0o040000: 'folder', 0o120000: 'link' };

function readAttributes(reader: Reader): FileAttributes {
  const flags = reader.uint32();
  const size = (flags & ATTRIBUTE.SIZE) === 0 ? undefined : reader.uint64();
  if ((flags & ATTRIBUTE.UIDGID) !== 0) {
    reader.uint32();
    reader.uint32();
  }
  const mode = (flags & ATTRIBUTE.PERMISSIONS) === 0 ? undefined : reader.uint32();
  let modifiedAt: number | undefined;
  if ((flags & ATTRIBUTE.ACMODTIME) !== 0) {
    reader.uint32();
    modifiedAt = reader.uint32() * 1000;
  }
  if ((flags & ATTRIBUTE.EXTENDED) !== 0) {
    const count = reader.uint32();
    if (count > MAX_EXTENSIONS) throw violation(`${count} extended attributes`);
    for (let index = 0; index < count * 2; index += 1) reader.bytes();
  }
  const kind = mode === undefined ? 'other' : (KINDS[mode & 0o170000] ?? 'other');
  return { kind, size, modifiedAt, mode: mode === undefined ? undefined : mode & 0o7777 };
}

/** One packet without its length. @throws Fault TARGET_PROTOCOL_VIOLATION */
export function readResponse(packet: Uint8Array): SftpResponse {
  const reader = new Reader(packet);
  const type = reader.byte();
  const id = reader.uint32();
  switch (type) {
    case RESPONSE.VERSION: {
      const extensions = new Map<string, string>();
      while (reader.left > 0 && extensions.size < MAX_EXTENSIONS) extensions.set(reader.text(), reader.text());
      // In this packet alone the number is the version.
      return { type: 'version', version: id, extensions };
    }
    case RESPONSE.STATUS:
      return { type: 'status', id, code: reader.uint32() };
    case RESPONSE.HANDLE: {
      const handle = reader.bytes();
      if (handle.length > MAX_HANDLE_BYTES) throw violation(`a handle of ${handle.length} bytes`);
      return { type: 'handle', id, handle: handle.slice() };
    }
    case RESPONSE.DATA:
      return { type: 'data', id, bytes: reader.bytes() };
    case RESPONSE.NAME: {
      const count = reader.uint32();
      const entries: NamedAttributes[] = [];
      for (let index = 0; index < count; index += 1) {
        // A copy: names are kept, and would keep whatever else their packet holds.
        const name = reader.bytes().slice();
        reader.bytes(); // The line that `ls -l` would show.
        entries.push({ name, ...readAttributes(reader) });
      }
      return { type: 'name', id, entries };
    }
    case RESPONSE.ATTRS:
      return { type: 'attributes', id, attributes: readAttributes(reader) };
    case RESPONSE.EXTENDED_REPLY:
      return { type: 'extended', id, payload: reader.rest() };
    default:
      throw violation(`a packet of type ${type}`);
  }
}

/** Numbers of an extension's answer, eight bytes each; what does not fit into 2^53 is the most that does. */
export function readNumbers(payload: Uint8Array): readonly number[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const numbers: number[] = [];
  for (let at = 0; at + 8 <= payload.length; at += 8)
    numbers.push(Math.min(Number.MAX_SAFE_INTEGER, view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4)));
  return numbers;
}

/** A part of a request, in the order of the draft. */
export type Field =
  | { readonly uint32: number }
  | { readonly uint64: number }
  | { readonly string: Uint8Array | string }
  /** One string, in pieces that follow each other. */
  | { readonly pieces: readonly Uint8Array[] }
  /** Attributes with permissions alone, or with nothing. */
  | { readonly mode: number | undefined };

function sizeOf(field: Field): number {
  if ('uint32' in field) return 4;
  if ('uint64' in field) return 8;
  if ('mode' in field) return field.mode === undefined ? 4 : 8;
  return 4 + ('pieces' in field ? lengthOf(field.pieces) : field.string.length);
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** A request with its length. Text is ASCII: names of extensions. */
export function encodeRequest(type: number, fields: readonly Field[]): Uint8Array {
  const length = 1 + fields.reduce((sum, field) => sum + sizeOf(field), 0);
  const packet = new Uint8Array(4 + length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, length);
  packet[4] = type;
  let at = 5;
  const put32 = (value: number): void => {
    view.setUint32(at, value);
    at += 4;
  };
  for (const field of fields) {
    if ('uint32' in field) put32(field.uint32);
    else if ('uint64' in field) {
      put32(Math.floor(field.uint64 / 0x1_0000_0000));
      put32(field.uint64 % 0x1_0000_0000);
    } else if ('mode' in field) {
      put32(field.mode === undefined ? 0 : ATTRIBUTE.PERMISSIONS);
      if (field.mode !== undefined) put32(field.mode);
    } else if ('pieces' in field) {
      put32(lengthOf(field.pieces));
      for (const piece of field.pieces) {
        packet.set(piece, at);
        at += piece.length;
      }
    } else {
      put32(field.string.length);
      packet.set(typeof field.string === 'string' ? new TextEncoder().encode(field.string) : field.string, at);
      at += field.string.length;
    }
  }
  return packet;
}
