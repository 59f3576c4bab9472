import { isFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';

/** What `/readyz` says: `ok`, or in one word what stands in the way. */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

export interface ReadinessParts {
  readonly clock: Clock;
  readonly isDraining: () => boolean;
  /** False while the other nodes may not rely on this one. */
  readonly isMember: () => boolean;
  /** By name; each rejects while it would refuse a session. */
  readonly probes: Readonly<Record<string, () => Promise<void>>>;
  /** The same for what only some machines need: said, and no reason to send people elsewhere. */
  readonly advisory?: Readonly<Record<string, () => Promise<void>>>;
}

/** The probes write: whoever may ask, and everybody may, does not thereby make them write more often. */
const KEPT_MS = 1_000;
const PATIENCE_MS = 5_000;

/** Whether this node may be given sessions, and if not, why. */
export class Readiness {
  readonly #parts: ReadinessParts;
  #asked: { readonly atMs: number; readonly checks: Promise<Readonly<Record<string, string>>> } | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  async report(): Promise<ReadinessReport> {
    const { isDraining, isMember } = this.#parts;
    const node = isDraining() ? 'draining' : isMember() ? 'ok' : 'not a member';
    // A node that goes down says so at once, whatever its database does.
    const checks = node === 'draining' ? { node } : { node, ...(await this.#probed()) };
    const { advisory = {} } = this.#parts;
    const ready = Object.entries(checks).every(([name, word]) => word === 'ok' || Object.hasOwn(advisory, name));
    return { ready, checks };
  }

  #probed(): Promise<Readonly<Record<string, string>>> {
    const { clock, probes, advisory } = this.#parts;
    const atMs = clock.monotonicMs();
    if (this.#asked === undefined || atMs - this.#asked.atMs >= KEPT_MS) {
      const asked = Object.entries({ ...probes, ...advisory }).map(
        async ([name, probe]) => [name, await this.#ask(probe)] as const,
      );
      this.#asked = { atMs, checks: Promise.all(asked).then((answers) => Object.fromEntries(answers)) };
    }
    return this.#asked.checks;
  }

  async #ask(probe: () => Promise<void>): Promise<string> {
    const late = Promise.withResolvers<string>();
    using _timer = this.#parts.clock.after(PATIENCE_MS, () => {
      late.resolve('no answer');
    });
    const answer = probe().then(
      () => 'ok',
      (failure: unknown) => (isFault(failure) ? failure.code : 'INTERNAL'),
    );
    return await Promise.race([answer, late.promise]);
  }
}
