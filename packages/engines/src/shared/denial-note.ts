import type { Seat } from '@enchilada/core/engine';

type Denial = 'clipboard-denied' | 'file-denied';

/**
 * Tells that somebody at the controls wanted to move what they may not, once for each direction and viewer: who is told of it knows.
 * Of who watches nothing is told: what is written down of a session says that its owner did it.
 */
export class DenialNote {
  readonly #seat: Pick<Seat, 'mode' | 'noted'>;
  readonly #told = new Set<string>();

  constructor(seat: Pick<Seat, 'mode' | 'noted'>) {
    this.#seat = seat;
  }

  denied(type: Denial, direction: 'upload' | 'download'): void {
    const denial = `${type} ${direction}`;
    if (this.#seat.mode !== 'control' || this.#told.has(denial)) return;
    this.#told.add(denial);
    this.#seat.noted({ type, direction });
  }
}
