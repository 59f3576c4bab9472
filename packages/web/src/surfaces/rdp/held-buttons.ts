/** What a pointer event says of its buttons. */
export interface ButtonsTold {
  readonly pointerId: number;
  /** A bit for each button that is down. */
  readonly buttons: number;
}

/** Buttons by their bits in `buttons`, each as `MouseEvent.button` numbers it. https://www.w3.org/TR/pointerevents3/#the-buttons-property */
const NUMBERS = [0, 2, 1, 3, 4] as const;
const KNOWN = (1 << NUMBERS.length) - 1;

export interface ButtonChanges {
  readonly pressed: readonly number[];
  readonly released: readonly number[];
}

/**
 * Which buttons of which pointer the machine holds for pressed. Only the first button down and the last one up have events of their own:
 * those in between are a `pointermove`. https://www.w3.org/TR/pointerevents3/#chorded-button-interactions
 */
export class HeldButtons {
  readonly #held = new Map<number, number>();

  /** A pointer came down on the desktop: what it presses from now on is meant for the machine. */
  down(told: ButtonsTold): ButtonChanges {
    this.#held.set(told.pointerId, this.#held.get(told.pointerId) ?? 0);
    return this.changed(told);
  }

  /** Of a pointer that came down elsewhere, nothing is. */
  changed({ pointerId, buttons }: ButtonsTold): ButtonChanges {
    const before = this.#held.get(pointerId);
    if (before === undefined) return { pressed: [], released: [] };
    const now = buttons & KNOWN;
    if (now === 0) this.#held.delete(pointerId);
    else this.#held.set(pointerId, now);
    return { pressed: numbersOf(now & ~before), released: numbersOf(before & ~now) };
  }

  /** Nothing that is still down comes again: the machine was told that all is up. */
  clear(): void {
    this.#held.clear();
  }
}

function numbersOf(buttons: number): readonly number[] {
  return NUMBERS.filter((_, bit) => (buttons & (1 << bit)) !== 0);
}
