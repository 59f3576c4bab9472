import { INPUT_RECORDING } from '../discovery/index.ts';
import type { RecordingEvent } from '../recording/index.ts';
import type { Target } from '../target/index.ts';

/** What becomes of what a person types. `off`: nothing is kept. `length`: how much. `echoed`: kept where its echo was seen, else its length. */
export type InputPolicy = 'off' | 'length' | 'echoed';

/** A rule of discovery may say so of a machine; otherwise the setting holds. */
export function inputPolicyOf({ labels }: Pick<Target, 'labels'>, setting: InputPolicy): InputPolicy {
  const own = labels[INPUT_RECORDING];
  return own === 'off' || own === 'length' || own === 'echoed' ? own : setting;
}

/** How long a key waits for its echo. */
const ECHO_WITHIN_MS = 2_000;
const MOST_PENDING = 4_096;

function isPrintable(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x20 && byte < 0x7f;
}

/**
 * Keeps typed text only where the target showed it: SSH gives no echo flag, so a password prompt is recognised by its silence.
 * INVARIANT: an echo is the very next output and begins with what was typed, to the end of one of the two. Anything looser would find a hidden
 * password, letter by letter, in the output that follows it. What is not printable ASCII counts as length.
 */
export class InputRecording {
  readonly #policy: InputPolicy;
  readonly #keep: (event: RecordingEvent) => void;
  readonly #now: () => number;
  #pending: number[] = [];
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
    let same = 0;
    while (same < output.length && output[same] === this.#pending[same] && isPrintable(output[same])) same += 1;
    const isWhole = same === output.length || !isPrintable(this.#pending[same]);
    if (same > 0 && isWhole) this.#keep({ kind: 'input', bytes: Uint8Array.from(this.#pending.splice(0, same)) });
    if (same < output.length) this.#giveUp();
    else this.#since = this.#now();
  }

  settle(now: number): void {
    if (this.#pending.length > 0 && now - this.#since > ECHO_WITHIN_MS) this.#giveUp();
  }

  #giveUp(): void {
    if (this.#pending.length > 0) this.#keep({ kind: 'input-length', count: this.#pending.length });
    this.#pending = [];
  }
}
