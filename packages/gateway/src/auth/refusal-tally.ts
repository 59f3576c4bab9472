import type { AuditAction, AuditEvent, AuditLog } from '@enchilada/core/audit';
import { type Clock, recur } from '@enchilada/core/time';
import { networkOf } from '../http/client-address.ts';

/** Something that somebody without a login tried and was refused. */
export interface Refusal {
  readonly action: AuditAction;
  readonly address: string;
  readonly reason: string;
  readonly object?: AuditEvent['object'];
}

export interface RefusalTallyParts {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly report: (message: string, cause: unknown) => void;
}

interface Count {
  readonly refusal: Refusal;
  /** Since the row that was written last. */
  more: number;
  readonly since: number;
}

const WINDOW_MS = 60_000;
/** Addresses that get a row of their own in one window; the others share one row for each reason. */
const MOST_ROWS = 200;

/**
 * Audits what strangers are refused, without letting them fill the log: the first of a kind from an address is a row at once, what follows within a minute
 * is one further row that says how many. Nothing is left out of the counts.
 */
export class RefusalTally implements AsyncDisposable {
  readonly #parts: RefusalTallyParts;
  readonly #timer: Disposable;
  #counts = new Map<string, Count>();

  constructor(parts: RefusalTallyParts) {
    this.#parts = parts;
    this.#timer = recur(parts.clock, {
      periodMs: WINDOW_MS,
      work: () => this.settle(),
      failed: (cause) => {
        parts.report('refusals could not be audited', cause);
      },
    });
  }

  /** True where it was the first of its kind, which is worth a line in the log. */
  note(refusal: Refusal): boolean {
    const network = networkOf(refusal.address);
    const key = [network, refusal.action, refusal.reason].join(' ');
    const known = this.#counts.get(key);
    if (known !== undefined) {
      known.more += 1;
      return false;
    }
    const since = this.#parts.clock.now();
    if (this.#counts.size >= MOST_ROWS) {
      this.#countAmongOthers(refusal, since);
      return false;
    }
    this.#counts.set(key, { refusal, more: 0, since });
    this.#append(refusal, {}).catch((cause: unknown) => {
      // It is counted instead, and written when the database answers again.
      const count = this.#counts.get(key);
      if (count !== undefined) count.more += 1;
      this.#parts.report('a refusal could not be audited', cause);
    });
    return true;
  }

  /** Writes what was counted since the last time. */
  async settle(): Promise<void> {
    const counts = [...this.#counts].filter(([, { more }]) => more > 0);
    this.#counts = new Map();
    const until = this.#parts.clock.now();
    for (const [index, [, { refusal, more: count, since }]] of counts.entries()) {
      try {
        await this.#append(refusal, { count, since, until });
      } catch (failure) {
        for (const [key, unwritten] of counts.slice(index)) this.#keep(key, unwritten);
        throw failure;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.settle().catch((cause: unknown) => {
      this.#parts.report('refusals could not be audited', cause);
    });
  }

  #countAmongOthers(refusal: Refusal, since: number): void {
    const key = ['others', refusal.action, refusal.reason].join(' ');
    const shared = this.#counts.get(key);
    // One for each refusal: which addresses they were is not kept, or the memory would be the attacker's to fill.
    if (shared === undefined) {
      const of = { ...refusal, address: 'various' };
      this.#counts.set(key, { refusal: of, more: 1, since });
    } else shared.more += 1;
  }

  #keep(key: string, count: Count): void {
    const newer = this.#counts.get(key);
    if (newer === undefined) this.#counts.set(key, count);
    else newer.more += count.more;
  }

  #append({ action, address, reason, object }: Refusal, detail: NonNullable<AuditEvent['detail']>): Promise<unknown> {
    return this.#parts.audit.append({
      action,
      actor: { kind: 'anonymous' },
      address,
      ...(object === undefined ? {} : { object }),
      outcome: 'denied',
      reason,
      detail,
    });
  }
}
