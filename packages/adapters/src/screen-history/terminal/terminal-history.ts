import type { DisplaySize, SurfaceKind } from '@enchilada/core/engine';
import type { ScreenHistories, ScreenHistory } from '@enchilada/core/session';
import { Emulation } from './emulation.ts';
import { Spool } from './spool.ts';
import { WriteTurns } from './write-turns.ts';

export interface TerminalHistoryOptions {
  /** Where the unlinked spool files are made. */
  readonly folder: string;
  /** Lines above the screen that a late viewer gets. */
  readonly scrollbackLines: number;
}

/** Multiples of 16, see Spool. */
const SPOOL_BYTES = 4 * 1024 * 1024;
/** The first is small, so that a little costs a little; a flood goes to the spool in larger pieces. */
const TAIL_BYTES = 32 * 1024;
const FLOOD_TAIL_BYTES = 128 * 1024;
/** What a screen is rebuilt from where its beginning is lost: far more than the scrollback holds. */
const REBUILD_BYTES = 1024 * 1024;
/** A snapshot is made about each MiB, while nothing else happens. */
const SNAPSHOT_EVERY_BYTES = 1024 * 1024;

interface HistoryOptions extends TerminalHistoryOptions {
  readonly turns: WriteTurns;
  /** An emulator and what it reads take some 15 MiB: of all that may settle at once, one does; the others are asked again. */
  readonly settling: { isBusy: boolean };
}

interface SizeChange {
  readonly at: number;
  readonly size: DisplaySize;
}

/**
 * Keeps what a terminal showed: a bounded spool and, about each MiB, a snapshot that replaces what came before it.
 * A terminal emulator exists only while a snapshot is made, so that idle sessions stay cheap.
 *
 * Should a flood outrun the spool or its disk before a snapshot could be made, the screen is rebuilt from the last of it alone.
 */
class TerminalHistory implements ScreenHistory {
  readonly #options: HistoryOptions;
  #spool: Promise<Spool> | undefined;
  /** The spool once it is open: from then on it takes bytes at once. */
  #open: Spool | undefined;
  /** Bytes that are not in the spool yet; allocated when something comes. */
  #tail: Buffer | undefined;
  #tailUsed = 0;
  #spooled = 0;
  #base: { readonly at: number; readonly frames: Uint8Array } = { at: 0, frames: new Uint8Array() };
  #sizes: SizeChange[];
  #settling = false;
  #closed = false;

  constructor(options: HistoryOptions, size: DisplaySize) {
    this.#options = options;
    this.#sizes = [{ at: 0, size }];
  }

  append(bytes: Uint8Array): void {
    if (this.#closed) return;
    for (let done = 0; done < bytes.length;) {
      const tail = this.#roomyTail();
      const part = bytes.subarray(done, done + tail.length - this.#tailUsed);
      tail.set(part, this.#tailUsed);
      this.#tailUsed += part.length;
      done += part.length;
      if (this.#tailUsed < tail.length) continue;
      this.#flush(tail);
      if (tail.length < FLOOD_TAIL_BYTES) this.#tail = Buffer.allocUnsafeSlow(FLOOD_TAIL_BYTES);
    }
  }

  resize(size: DisplaySize): void {
    this.#sizes.push({ at: this.#position, size });
  }

  async snapshot(): Promise<Uint8Array> {
    const to = this.#position;
    const tail = Buffer.from(this.#tail?.subarray(0, this.#tailUsed) ?? []);
    const spooledTo = this.#spooled;
    const base = this.#base;
    const sizes = [...this.#sizes];
    const spool = this.#spool === undefined ? undefined : await this.#spool;
    const lost = spool !== undefined && base.at < spool.start;
    const from = lost ? Math.max(spool.start, to - REBUILD_BYTES) : base.at;
    // The base may end inside the tail, which has since moved to the spool or is still here.
    const origin = Math.min(from, spooledTo);
    const kept = spool === undefined ? Buffer.alloc(0) : (await spool.read(origin)).subarray(0, spooledTo - origin);
    const before = sizes.findLast((change) => change.at <= from)?.size ?? sizes[0]?.size;
    if (before === undefined) return new Uint8Array();
    const emulation = new Emulation(before, this.#options.scrollbackLines);
    try {
      if (!lost) await emulation.write(base.frames);
      let at = from;
      const show = async (end: number): Promise<void> => {
        if (at < spooledTo) await emulation.write(kept.subarray(at - origin, Math.min(end, spooledTo) - origin));
        if (end > spooledTo) await emulation.write(tail.subarray(Math.max(at, spooledTo) - spooledTo, end - spooledTo));
        at = end;
      };
      for (const change of sizes.filter((entry) => entry.at > from && entry.at <= to)) {
        await show(change.at);
        emulation.resize(change.size);
      }
      await show(to);
      return emulation.frames();
    } finally {
      emulation[Symbol.dispose]();
    }
  }

  settle(): void {
    if (this.#settling || this.#closed) return;
    if (this.#position - this.#base.at > SNAPSHOT_EVERY_BYTES) {
      const { settling } = this.#options;
      if (settling.isBusy) return;
      settling.isBusy = true;
      this.#settling = true;
      const at = this.#position;
      void this.snapshot()
        .then((frames) => {
          this.#base = { at, frames };
          const current = this.#sizes.findLast((change) => change.at <= at);
          this.#sizes = [
            ...(current === undefined ? [] : [current]),
            ...this.#sizes.filter((change) => change.at > at),
          ];
        })
        // The picture before stays the base, and the next call tries again.
        .catch(() => undefined)
        .finally(() => {
          this.#settling = false;
          settling.isBusy = false;
        });
      return;
    }
    if (this.#tail === undefined) return;
    const odd = this.#tailUsed % 16;
    if (this.#tailUsed !== odd) this.#flush(this.#tail);
    if (this.#tail.length >= TAIL_BYTES) this.#tail = odd === 0 ? undefined : Buffer.from(this.#tail.subarray(0, odd));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#tail = undefined;
    await (await this.#spool)?.[Symbol.asyncDispose]();
  }

  get #position(): number {
    return this.#spooled + this.#tailUsed;
  }

  /** A quiet session keeps its odd bytes alone. */
  #roomyTail(): Buffer {
    if (this.#tail !== undefined && this.#tail.length >= TAIL_BYTES) return this.#tail;
    const tail = Buffer.allocUnsafeSlow(TAIL_BYTES);
    this.#tail?.copy(tail);
    this.#tail = tail;
    return tail;
  }

  /** Moves whole blocks to the spool and keeps the odd bytes at the start of the tail. */
  #flush(tail: Buffer): void {
    const whole = this.#tailUsed - (this.#tailUsed % 16);
    const bytes = tail.subarray(0, whole);
    if (this.#open !== undefined) this.#open.append(bytes);
    else {
      const kept = Buffer.from(bytes);
      this.#spool ??= Spool.open({ ...this.#options, capacity: SPOOL_BYTES });
      this.#spool.then(
        (spool) => {
          this.#open = spool;
          spool.append(kept);
        },
        () => undefined,
      );
    }
    tail.copyWithin(0, whole, this.#tailUsed);
    this.#spooled += whole;
    this.#tailUsed -= whole;
  }
}

export function terminalHistories(options: TerminalHistoryOptions): ScreenHistories {
  const [turns, settling] = [new WriteTurns(), { isBusy: false }];
  return (surface: SurfaceKind, size: DisplaySize) =>
    surface === 'terminal' ? new TerminalHistory({ ...options, turns, settling }, size) : undefined;
}
