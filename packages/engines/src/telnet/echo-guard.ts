import type { Clock } from '@enchilada/core/time';

const LONGEST_LINE = 1_024;
/** Of silence: a line of 300 baud brings a character in 33 ms. */
const PATIENCE_MS = 2_000;
/** The end of a line on which something stands: many machines end the line of the prompt first. */
const LINE = /\S[^\n]*\n/u;
const MASK = Buffer.from('********');
/** A beginning of the secret that is at least as long is taken out as the whole is. */
const SHORTEST_PART = 4;

/**
 * Holds back what a machine shows between our sending a secret and the end of the next line, and takes the secret out: a machine that
 * echoes passwords (a broken terminal line, a device that forgot to switch echo off) must not put a sealed one on a screen and into a recording.
 */
export class EchoGuard implements Disposable {
  readonly #secret: Buffer;
  readonly #show: (bytes: Uint8Array) => void;
  readonly #clock: Clock;
  #timer: Disposable;
  #held: Buffer | undefined = Buffer.alloc(0);

  constructor(secret: string, clock: Clock, show: (bytes: Uint8Array) => void) {
    this.#secret = Buffer.from(secret);
    this.#show = show;
    this.#clock = clock;
    this.#timer = clock.after(PATIENCE_MS, () => this.#release());
  }

  /** In place of showing. */
  shown(bytes: Uint8Array): void {
    if (this.#held === undefined) {
      this.#show(bytes);
      return;
    }
    this.#held = Buffer.concat([this.#held, bytes]);
    if (this.#held.length > LONGEST_LINE || LINE.test(this.#held.toString('latin1'))) {
      this.#release();
      return;
    }
    this.#timer[Symbol.dispose]();
    this.#timer = this.#clock.after(PATIENCE_MS, () => this.#release());
  }

  [Symbol.dispose](): void {
    this.#release();
  }

  #release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#timer[Symbol.dispose]();
    const clean = this.#secret.length === 0 ? held : without(held, this.#secret);
    if (clean.length > 0) this.#show(clean);
  }
}

/** INVARIANT: how long the secret is cannot be told from what is shown in its place. */
function without(bytes: Buffer, secret: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, from)) {
    parts.push(bytes.subarray(from, at), MASK);
    from = at + secret.length;
  }
  const rest = bytes.subarray(from);
  for (let length = Math.min(secret.length - 1, rest.length); length >= SHORTEST_PART; length -= 1)
    if (rest.subarray(rest.length - length).equals(secret.subarray(0, length)))
      return Buffer.concat([...parts, rest.subarray(0, rest.length - length), MASK]);
  return Buffer.concat([...parts, rest]);
}
