import type { EngineSink } from '../engine/index.ts';

/** Holds what a target says while its session still opens. */
export class EarlyOutput implements EngineSink {
  readonly #held: Uint8Array[] = [];
  #deliver: ((bytes: Uint8Array) => void) | undefined;

  output(bytes: Uint8Array): void {
    if (this.#deliver === undefined) this.#held.push(bytes);
    else this.#deliver(bytes);
  }

  flowTo(deliver: (bytes: Uint8Array) => void): void {
    this.#deliver = deliver;
    for (const bytes of this.#held.splice(0)) deliver(bytes);
  }
}
