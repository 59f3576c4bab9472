import type { Clock } from '@enchilada/core/time';

const LF = 10;
const LONGEST_LINE = 1_024;
const PATIENCE_MS = 2_000;

/**
 * Holds back what a machine shows between our sending a secret and the end of that line, and takes the secret out: a machine that
 * echoes passwords (a broken terminal line, a device that forgot to switch echo off) must not put a sealed one on a screen and into a recording.
 */
export class EchoGuard implements Disposable {
  readonly #secret: Buffer;
  readonly #show: (bytes: Uint8Array) => void;
  readonly #timer: Disposable;
  #held: Buffer | undefined = Buffer.alloc(0);

  constructor(secret: string, clock: Clock, show: (bytes: Uint8Array) => void) {
    this.#secret = Buffer.from(secret);
    this.#show = show;
    this.#timer = clock.after(PATIENCE_MS, () => this.#release());
  }

  /** In place of showing. */
  shown(bytes: Uint8Array): void {
    if (this.#held === undefined) {
      this.#show(bytes);
      return;
    }
    this.#held = Buffer.concat([this.#held, bytes]);
    if (this.#held.includes(LF) || this.#held.length > LONGEST_LINE) this.#release();
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

function without(bytes: Buffer, secret: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, from)) {
    parts.push(bytes.subarray(from, at), Buffer.from('********'));
    from = at + secret.length;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
