import type { RecordingEvent } from '../recording/index.ts';

/** What becomes of what a person types. `off`: nothing is kept. `length`: how much. `echoed`: kept where its echo was seen, else its length. */
export type InputPolicy = 'off' | 'length' | 'echoed';

/** How long a key waits for its echo. */
const ECHO_WITHIN_MS = 2_000;
const MOST_PENDING = 4_096;

/**
 * Keeps typed text only where the target showed it: SSH gives no echo flag, so a password prompt is recognised by its silence.
 * Printable ASCII is matched in order against the output that follows; everything else counts as length.
 */
export class InputRecording {
  readonly #policy: InputPolicy;
  readonly #keep: (event: RecordingEvent) => void;
  readonly #now: () => number;
  #pending: number[] = [];
  #seen: number[] = [];
  #since = 0;

  constructor(policy: InputPolicy, keep: (event: RecordingEvent) => void, now: () => number) {
    this.#policy = policy;
    this.#keep = keep;
    this.#now = now;
  }

  typed(bytes: Uint8Array): void {
    if (this.#policy === 'off') return;
    if (this.#pending.length + bytes.length > MOST_PENDING) this.#giveUp();
    if (this.#policy === 'length' || bytes.length > MOST_PENDING) {
      this.#keep({ kind: 'input-length', count: bytes.length });
      return;
    }
    if (this.#pending.length === 0) this.#since = this.#now();
    this.#pending.push(...bytes);
  }

  echoed(output: Uint8Array): void {
    if (this.#pending.length === 0) return;
    let matched = 0;
    for (const byte of output) {
      if (matched >= this.#pending.length) break;
      if (byte === this.#pending[matched] && byte >= 0x20 && byte < 0x7f) matched += 1;
    }
    if (matched === 0) return;
    this.#seen.push(...this.#pending.splice(0, matched));
    this.#flush();
    this.#since = this.#now();
  }

  settle(now: number): void {
    if (this.#pending.length > 0 && now - this.#since > ECHO_WITHIN_MS) this.#giveUp();
  }

  #flush(): void {
    if (this.#seen.length === 0) return;
    this.#keep({ kind: 'input', bytes: Uint8Array.from(this.#seen) });
    this.#seen = [];
  }

  #giveUp(): void {
    this.#flush();
    if (this.#pending.length > 0) this.#keep({ kind: 'input-length', count: this.#pending.length });
    this.#pending = [];
  }
}
