import type { RecordingDescription } from '@enchilada/core/recording';
import type { Clock } from '@enchilada/core/time';

export function exampleDescription(changes: Partial<RecordingDescription> = {}): RecordingDescription {
  return {
    sessionId: 'ses_1',
    user: { id: 'usr_1', name: 'ada', address: '192.0.2.7' },
    target: { id: 'tgt_1', name: 'db-1', address: '198.51.100.4:22', hostKeyFingerprint: 'SHA256:abc' },
    protocol: 'example',
    surface: 'terminal',
    policy: { strict: true, input: 'off' },
    node: 'node-1',
    softwareVersion: '0.1.0',
    startedAt: Date.now(),
    ...changes,
  };
}

/** A clock that stands still until it is moved. Timers run in order of their time. */
export class ManualClock implements Clock {
  #nowMs = Date.UTC(2026, 2, 1, 12);
  #monotonicMs = 1000;
  #timers: { at: number; readonly every: number | undefined; readonly work: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, work: () => void): Disposable {
    return this.#add({ at: this.#monotonicMs + delayMs, every: undefined, work });
  }

  every(periodMs: number, work: () => void): Disposable {
    return this.#add({ at: this.#monotonicMs + periodMs, every: periodMs, work });
  }

  advance(ms: number): void {
    const end = this.#monotonicMs + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      const until = next?.at ?? end;
      this.#nowMs += until - this.#monotonicMs;
      this.#monotonicMs = until;
      if (next === undefined) return;
      if (next.every === undefined) this.#timers = this.#timers.filter((timer) => timer !== next);
      else next.at += next.every;
      next.work();
    }
  }

  #add(timer: { at: number; readonly every: number | undefined; readonly work: () => void }): Disposable {
    this.#timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }
}
