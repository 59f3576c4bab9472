import { createCipheriv, createDecipheriv, randomBytes, type Cipheriv } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@enchilada/core/fault';

const HEAD_BYTES = 4;
const BLOCK_BYTES = 16n;
const MOST_BYTES = 1024 * 1024 * 1024;

/**
 * Every message of one connection, for viewers that come later: a decoder of RDP cannot begin in the middle.
 * In a file without a name, under a key that is nowhere but here.
 */
export class StreamLog implements Disposable {
  readonly #key = randomBytes(32);
  readonly #cipher: Cipheriv = createCipheriv('aes-256-ctr', this.#key, counterAt(0));
  #file: number | undefined;
  #end = 0;
  #failure: Fault | undefined;

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
      if (this.#end + message.length > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
      this.#file ??= unnamedFile();
      const bytes = Buffer.concat([this.#cipher.update(head), this.#cipher.update(message)]);
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at, this.#end + at);
      this.#end += bytes.length;
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      this.#failure = new Fault('CONFLICT', `the desktop cannot be caught up with: ${words}`, { cause });
    }
  }

  /** The message at a position, and where the next one begins; undefined at the end. */
  read(position: number): { readonly message: Buffer; readonly next: number } | undefined {
    if (this.#file === undefined || position >= this.#end) return undefined;
    const length = this.#plain(position, HEAD_BYTES).readUInt32LE();
    const from = position + HEAD_BYTES;
    return { message: this.#plain(from, length), next: from + length };
  }

  #plain(position: number, length: number): Buffer {
    if (this.#file === undefined) throw new Fault('INTERNAL', 'nothing was written yet');
    const bytes = Buffer.alloc(length);
    if (readSync(this.#file, bytes, 0, length, position) !== length)
      throw new Fault('INTERNAL', 'a message of a desktop cannot be read back');
    const decipher = createDecipheriv('aes-256-ctr', this.#key, counterAt(position));
    decipher.update(Buffer.alloc(position % Number(BLOCK_BYTES)));
    return decipher.update(bytes);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#failure ??= new Fault('SESSION_ENDED', 'the connection is over');
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
