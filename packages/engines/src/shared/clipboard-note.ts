import { createHash, type Hash } from 'node:crypto';
import type { Seat } from '@enchilada/core/engine';

/** Writes down size and hash of what passes in one direction; one clipboard at a time is enough for either side. */
export class ClipboardNote {
  readonly #seat: Pick<Seat, 'noted'>;
  readonly #direction: 'upload' | 'download';
  #hash: Hash | undefined;
  #size = 0;

  constructor(seat: Pick<Seat, 'noted'>, direction: 'upload' | 'download') {
    this.#seat = seat;
    this.#direction = direction;
  }

  begin(): void {
    this.#hash = createHash('sha256');
    this.#size = 0;
  }

  add(piece: Uint8Array): void {
    this.#hash?.update(piece);
    this.#size += piece.length;
  }

  /** Says nothing of what was not begun. */
  done(): void {
    if (this.#hash === undefined) return;
    const [direction, size, sha256] = [this.#direction, this.#size, this.#hash.digest()];
    this.#hash = undefined;
    this.#seat.noted({ type: 'clipboard', direction, size, sha256 });
  }
}
