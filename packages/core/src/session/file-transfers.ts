import { pathText } from '../engine/index.ts';
import type { FileWriter, PathBytes } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import type { TransferDirection } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import { PassedBytes, type RunningHash } from './passed-bytes.ts';

export interface Transfer {
  readonly direction: TransferDirection;
  readonly path: PathBytes;
  readonly passed: PassedBytes;
  version: string;
  busy: boolean;
  /** It went through; what was lost on the way, of a download the bytes and of an upload the answer, can be asked for again. */
  isOver: boolean;
  writer: FileWriter | undefined;
  part: PathBytes | undefined;
  /** An upload whose content is whole, and written down. */
  hasArrived: boolean;
  /** Permissions of the file that an upload replaces. */
  mode: number | undefined;
  usedMs: number;
}

/** Which transfer goes on, and from where. */
export interface TransferRequest {
  /** Chosen by the caller; names the transfer when it is resumed. */
  readonly transfer: string;
  readonly path: PathBytes;
  readonly offset: number;
}

export interface FileTransfersParts {
  readonly hasher: () => RunningHash;
  readonly clock: Clock;
  /** Hears of an upload that made room for another. */
  readonly ousted: (id: string, transfer: Transfer) => void;
}

const MOST_TRANSFERS = 64;
const MOST_OVER = 16;
/** Of those that were cancelled before anything of them was known. */
const MOST_REFUSED = 1_000;

/** The transfers of one session that run or can go on. */
export class FileTransfers {
  readonly #parts: FileTransfersParts;
  readonly #transfers = new Map<string, Transfer>();
  readonly #refused = new Set<string>();

  constructor(parts: FileTransfersParts) {
    this.#parts = parts;
  }

  find(id: string): Transfer | undefined {
    return this.#transfers.get(id);
  }

  delete(id: string): void {
    this.#transfers.delete(id);
  }

  /** It takes no room any more, and is forgotten before long. */
  over(transfer: Transfer): void {
    transfer.isOver = true;
    transfer.usedMs = this.#parts.clock.monotonicMs();
    const over = oldestFirst(this.all.filter(([, { isOver }]) => isOver));
    for (const [id] of over.slice(0, Math.max(0, over.length - MOST_OVER))) this.#transfers.delete(id);
  }

  /** Whoever cancels may be faster than the piece that begins what they cancel. */
  refuse(id: string): void {
    this.#refused.add(id);
    const [oldest] = this.#refused;
    if (this.#refused.size > MOST_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
  }

  get all(): Named {
    return [...this.#transfers];
  }

  /** Begins a transfer, or goes on with it. @throws Fault CONFLICT, THROTTLED */
  take(direction: TransferDirection, { transfer: id, path, offset }: TransferRequest): Transfer {
    if (this.#refused.has(id)) throw new Fault('CONFLICT', 'the transfer was cancelled');
    const known = this.#transfers.get(id);
    if (known !== undefined && (known.direction !== direction || pathText(known.path) !== pathText(path)))
      throw new Fault('CONFLICT', 'the transfer is for another file');
    if (known?.busy === true) throw new Fault('CONFLICT', 'the transfer is running already');
    const reached = known?.passed.size ?? 0;
    if (offset > reached || (direction === 'upload' && offset !== reached))
      throw new Fault('CONFLICT', `the transfer stands at ${reached}, received ${offset}`, {
        facts: { received: reached },
      });
    // From the beginning on it is another download, of whatever the file holds by now.
    const goesOn = direction === 'upload' || offset > 0 ? known : undefined;
    const transfer = goesOn ?? {
      direction,
      path,
      passed: new PassedBytes(this.#parts.hasher()),
      version: '',
      busy: true,
      isOver: false,
      writer: undefined,
      part: undefined,
      hasArrived: false,
      mode: undefined,
      usedMs: 0,
    };
    transfer.busy = true;
    if (direction === 'download') transfer.isOver = false;
    transfer.usedMs = this.#parts.clock.monotonicMs();
    if (known === undefined) this.#makeRoom();
    if (goesOn === undefined) this.#transfers.set(id, transfer);
    return transfer;
  }

  /** The oldest that rests makes room; what it left on the machine is removed. */
  #makeRoom(): void {
    const open = this.all.filter(([, { isOver }]) => !isOver);
    if (open.length < MOST_TRANSFERS) return;
    const [oldest] = oldestFirst(open.filter(([, { busy }]) => !busy));
    if (oldest === undefined) throw new Fault('THROTTLED', `${MOST_TRANSFERS} transfers are running, the most allowed`);
    this.#transfers.delete(oldest[0]);
    if (oldest[1].direction === 'upload') this.#parts.ousted(oldest[0], oldest[1]);
  }
}

type Named = readonly (readonly [id: string, transfer: Transfer])[];

function oldestFirst(transfers: Named): Named {
  return transfers.toSorted(([, a], [, b]) => a.usedMs - b.usedMs);
}
