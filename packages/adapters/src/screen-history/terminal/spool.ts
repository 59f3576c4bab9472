import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { giveBack } from '../../shared/give-back.ts';
import type { WriteTurns } from './write-turns.ts';

const BLOCK_BYTES = 16;
/** What may wait for the disk; of what comes beyond it the oldest is given up. */
const MOST_WAITING_BYTES = 1024 * 1024;

export interface SpoolOptions {
  readonly folder: string;
  readonly capacity: number;
  readonly turns: WriteTurns;
}

/**
 * The last `capacity` bytes of one stream in an unlinked file, as AES-256-CTR under a key that exists in memory only.
 * The counter is the position in the stream, which never returns, so that overwriting the ring repeats no key stream.
 */
export class Spool implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #key = randomBytes(32);
  readonly #capacity: number;
  readonly #turns: WriteTurns;
  /** One key stream from position 0 on; a multiple of 16 at a time keeps it in step with `#counter`. */
  readonly #cipher = createCipheriv('aes-256-ctr', this.#key, Buffer.alloc(BLOCK_BYTES));
  /** Position after the last byte on disk or on its way there. */
  #written = 0;
  #onDisk = 0;
  /** Sealed bytes that wait for the write before them. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Position up to which something was given up. */
  #lostTo = 0;
  #work: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, options: SpoolOptions) {
    this.#file = file;
    this.#capacity = options.capacity;
    this.#turns = options.turns;
  }

  static async open(options: SpoolOptions): Promise<Spool> {
    const { folder } = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `screen-${randomBytes(12).toString('hex')}`);
    const file = await open(path, 'wx+', 0o600);
    unlinkSync(path);
    return new Spool(file, options);
  }

  /** Oldest position still held. */
  get start(): number {
    return Math.max(0, this.#lostTo, this.#written - this.#capacity);
  }

  /** Takes a multiple of 16 bytes. Writes follow each other; what comes during one goes into the next. */
  append(bytes: Uint8Array): void {
    this.#written += bytes.length;
    this.#waiting.push(this.#cipher.update(bytes));
    this.#waitingBytes += bytes.length;
    if (this.#waiting.length > 1) {
      this.#giveUpOldest();
      return;
    }
    this.#work = this.#work.then(() => this.#turns.take(() => this.#writeWaiting()));
    // Whoever reads hears of a failure; an unread history harms nobody.
    this.#work.catch(() => undefined);
  }

  /** Everything from `from` (at least `start`) to the end. */
  async read(from: number): Promise<Buffer> {
    const to = this.#written;
    const aligned = Math.floor(from / BLOCK_BYTES) * BLOCK_BYTES;
    await this.#work;
    const sealed = Buffer.alloc(to - aligned);
    for (let done = 0; done < sealed.length;) {
      const offset = (aligned + done) % this.#capacity;
      const length = Math.min(sealed.length - done, this.#capacity - offset);
      const { bytesRead } = await this.#file.read(sealed, done, length, offset);
      if (bytesRead === 0) throw new Error('the screen history is shorter than it should be');
      done += bytesRead;
    }
    return createDecipheriv('aes-256-ctr', this.#key, this.#counter(aligned))
      .update(sealed)
      .subarray(from - aligned);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // As above; the file is thrown away.
    await this.#work.catch(() => undefined);
    this.#key.fill(0);
    await this.#file.close();
  }

  #giveUpOldest(): void {
    while (this.#waitingBytes > MOST_WAITING_BYTES && this.#waiting.length > 1) {
      const bytes = this.#waiting.shift()?.length ?? 0;
      this.#waitingBytes -= bytes;
      this.#onDisk += bytes;
      this.#lostTo = this.#onDisk;
    }
  }

  async #writeWaiting(): Promise<void> {
    const parts = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const sealed = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    const at = this.#onDisk;
    this.#onDisk += sealed.length;
    // Of more than the ring holds only the end would stay.
    for (let done = Math.max(0, sealed.length - this.#capacity); done < sealed.length;) {
      const offset = (at + done) % this.#capacity;
      const length = Math.min(sealed.length - done, this.#capacity - offset);
      const { bytesWritten } = await this.#file.write(sealed, done, length, offset);
      done += bytesWritten;
    }
    giveBack(sealed);
    for (const part of parts) giveBack(part);
  }

  #counter(position: number): Buffer {
    const counter = Buffer.alloc(BLOCK_BYTES);
    counter.writeBigUInt64BE(BigInt(position / BLOCK_BYTES), 8);
    return counter;
  }
}
