import type { KeyStroke, RecordingEvent, SessionRecorder } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';

/** What is kept of keys and pointer on a desktop. `keys`: both, the keys sealed under a key of their own. */
export type DesktopInputPolicy = 'off' | 'pointer' | 'keys';

/** Strokes are sealed together, so that the rhythm of typing is inside. */
const SEAL_AFTER_MS = 1_000;
const SEAL_AT = 64;
/** A pointer that only moves is noted so often. */
const MOVE_EVERY_MS = 50;

export interface DesktopInputParts {
  readonly policy: DesktopInputPolicy;
  readonly channel: number;
  readonly clock: Clock;
  readonly note: (event: RecordingEvent) => void;
  readonly seal: SessionRecorder['sealKeys'];
  readonly onFailure: (cause: unknown) => void;
}

/** Records the input of one viewer, as far as policy says. INVARIANT: a key stroke leaves here for the sealed channel only. */
export class DesktopInput {
  readonly #parts: DesktopInputParts;
  #strokes: (KeyStroke & { readonly atMs: number })[] = [];
  #timer: Disposable | undefined;
  #buttons = 0;
  #movedMs = -Infinity;

  constructor(parts: DesktopInputParts) {
    this.#parts = parts;
  }

  key(stroke: KeyStroke): void {
    if (this.#parts.policy !== 'keys') return;
    const { clock } = this.#parts;
    this.#strokes.push({ ...stroke, atMs: clock.monotonicMs() });
    if (this.#strokes.length >= SEAL_AT) this.flush();
    else
      this.#timer ??= clock.after(SEAL_AFTER_MS, () => {
        this.flush();
      });
  }

  pointer({ x, y, buttons }: { readonly x: number; readonly y: number; readonly buttons: number }): void {
    const { policy, clock, note, channel } = this.#parts;
    if (policy === 'off') return;
    const now = clock.monotonicMs();
    if (buttons === this.#buttons && now - this.#movedMs < MOVE_EVERY_MS) return;
    this.#buttons = buttons;
    this.#movedMs = now;
    note({ kind: 'pointer', channel, x, y, buttons });
  }

  /** Seals what waits. */
  flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const strokes = this.#strokes;
    if (strokes.length === 0) return;
    this.#strokes = [];
    const { clock, seal, channel, onFailure } = this.#parts;
    const now = clock.monotonicMs();
    seal(
      channel,
      strokes.map(({ atMs, ...stroke }) => ({ ...stroke, agoMs: now - atMs })),
    ).catch(onFailure);
  }
}
