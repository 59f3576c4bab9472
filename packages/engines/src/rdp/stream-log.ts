import { createCipheriv, createDecipheriv, randomBytes, type Cipheriv } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@enchilada/core/fault';

const HEAD_BYTES = 4;
const BLOCK_BYTES = 16n;

export interface StreamLogLimits {
  readonly mostBytes: number;
  /** What is given back to the disk at once: one file. */
  readonly partBytes: number;
}

export const STREAM_LOG_LIMITS: StreamLogLimits = { mostBytes: 1024 * 1024 * 1024, partBytes: 32 * 1024 * 1024 };

/** A file of the log, which holds what was said from one position to another. */
interface Part {
  readonly file: number;
  readonly from: number;
  end: number;
}

/**
 * Every message of one connection that a viewer that comes later has to hear: a decoder of RDP cannot begin in the middle.
 * In files without a name, under a key that is nowhere but here. Positions are those in all that was said.
 */
export class StreamLog implements Disposable {
  readonly #limits: StreamLogLimits;
  readonly #key = randomBytes(32);
  readonly #cipher: Cipheriv = createCipheriv('aes-256-ctr', this.#key, counterAt(0));
  readonly #parts: Part[] = [];
  #end = 0;
  #failure: Fault | undefined;
  #isFull = false;

  constructor(limits: StreamLogLimits = STREAM_LOG_LIMITS) {
    this.#limits = limits;
  }

  /** Where the next message will begin. */
  get end(): number {
    return this.#end;
  }

  /** Why nothing more is kept. */
  get failure(): Fault | undefined {
    return this.#failure;
  }

  append(message: Uint8Array): void {
    if (this.#failure !== undefined) return;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(message.length);
    try {
      if (this.#heldBytes + message.length > this.#limits.mostBytes) {
        this.#isFull = true;
        throw new Error(`more than ${this.#limits.mostBytes} bytes`);
      }
      const part = this.#partToWrite();
      const length = HEAD_BYTES + message.length;
      writeAll(part.file, [this.#cipher.update(head), this.#cipher.update(message)], part.end - part.from);
      part.end += length;
      this.#end += length;
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      this.#failure = new Fault('CONFLICT', `the desktop cannot be caught up with: ${words}`, { cause });
    }
  }

  /** The message at a position, and where the next one begins; undefined at the end. @throws Fault CONFLICT of what was dropped */
  read(position: number): { readonly message: Buffer; readonly next: number } | undefined {
    if (position >= this.#end || this.#parts.length === 0) return undefined;
    const part = this.#parts.findLast(({ from }) => from <= position);
    if (part === undefined || position >= part.end)
      throw new Fault('CONFLICT', 'the desktop cannot be caught up with: what it showed is kept no more');
    const length = this.#plain(part, position, HEAD_BYTES).readUInt32LE();
    const from = position + HEAD_BYTES;
    return { message: this.#plain(part, from, length), next: from + length };
  }

  /** Nobody reads what lies between: its files are given back. */
  drop(from: number, to: number): void {
    for (const part of this.#parts.filter((held) => held.from >= from && held.end <= to && held.end < this.#end)) {
      closeSync(part.file);
      this.#parts.splice(this.#parts.indexOf(part), 1);
    }
  }

  /** What comes next can be read without what was left out because the log was full. */
  goOn(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#failure = undefined;
  }

  get #heldBytes(): number {
    return this.#parts.reduce((sum, { from, end }) => sum + end - from, 0);
  }

  #partToWrite(): Part {
    const last = this.#parts.at(-1);
    if (last !== undefined && last.end - last.from < this.#limits.partBytes) return last;
    const part = { file: unnamedFile(), from: this.#end, end: this.#end };
    this.#parts.push(part);
    return part;
  }

  #plain(part: Part, position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (readSync(part.file, bytes, 0, length, position - part.from) !== length)
      throw new Fault('INTERNAL', 'a message of a desktop cannot be read back');
    const decipher = createDecipheriv('aes-256-ctr', this.#key, counterAt(position));
    decipher.update(Buffer.alloc(position % Number(BLOCK_BYTES)));
    return decipher.update(bytes);
  }

  [Symbol.dispose](): void {
    for (const { file } of this.#parts.splice(0)) closeSync(file);
    this.#isFull = false;
    this.#failure ??= new Fault('SESSION_ENDED', 'the connection is over');
  }
}

function writeAll(file: number, pieces: readonly Buffer[], position: number): void {
  let left = pieces;
  for (let at = position; left.length > 0;) {
    let written = writevSync(file, left, at);
    at += written;
    left = left.flatMap((piece) => {
      const done = Math.min(written, piece.length);
      written -= done;
      return done === piece.length ? [] : [piece.subarray(done)];
    });
  }
}

function counterAt(position: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(position) / BLOCK_BYTES, 8);
  return counter;
}

function unnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-desktop-'));
  try {
    return openSync(join(folder, 'log'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
