import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import {
  type Hint,
  problemOf,
  type RefusalReason,
  type ScopeRecord,
  type SourceRecord,
} from '@enchilada/core/discovery';
import type { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';

const EVERY_MS = 10 * 60_000;
const MOST_KINDS = 1_000;

const REASONS: Readonly<Record<RefusalReason, string>> = {
  'unknown-scope': 'the account or region is not one of the source',
  'still-there': 'it says that a machine ended, and its cloud says that it is there',
};

export interface RefusalsParts {
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  /** Who refuses: a node, or a function. */
  readonly name: string;
  readonly report: (message: string, cause: unknown) => void;
}

/**
 * Audits messages that are not believed, and accounts that may not be read. INVARIANT: what strangers can send or refuse writes one audit event of a
 * kind in ten minutes, not one a message or a call.
 */
export class Refusals {
  /** Of messages, also those that were not audited again. */
  count = 0;
  readonly #parts: RefusalsParts;
  readonly #messages = new Map<string, number>();
  /** INVARIANT: of its own: whoever makes up messages without end keeps no other refusal from being told. */
  readonly #accounts = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: RefusalsParts) {
    this.#parts = parts;
  }

  refused(record: SourceRecord, { scope: { account, region }, nativeId }: Hint, reason: RefusalReason): void {
    this.count++;
    if (this.#isNew(this.#messages, `${record.id} ${account} ${region} ${reason}`))
      this.#audit('source.event-refused', record, {
        reason: REASONS[reason],
        detail: { account, region, machine: nativeId },
      });
  }

  unreadable(record: SourceRecord, problem: string): void {
    this.count++;
    // What a message says of itself stands behind a colon, or is a number.
    const kind = problem.replace(/:.*/su, '').replaceAll(/\d+/gu, '');
    if (this.#isNew(this.#messages, `${record.id} ${kind}`))
      this.#audit('source.event-refused', record, {
        reason: 'a message of the queue cannot be read',
        detail: { problem },
      });
  }

  /** An account's role is refused, or what it answered is not believed. Told where it begins, once for all of its regions. */
  denied(record: SourceRecord, scope: ScopeRecord, failure: Fault): void {
    if (failure.code !== 'DISCOVERY_DENIED' || scope.problem?.code === failure.code) return;
    const { account, region } = scope;
    const { permission } = failure.facts;
    if (!this.#isNew(this.#accounts, `${record.id} ${account} ${String(permission)}`)) return;
    const detail = { account, region, ...(typeof permission === 'string' ? { permission } : {}) };
    this.#audit('source.access-refused', record, { reason: problemOf(failure).detail, detail });
  }

  /** When all of it is written, or was reported. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #audit(
    action: AuditEvent['action'],
    { id, name }: SourceRecord,
    told: Required<Pick<AuditEvent, 'reason' | 'detail'>>,
  ): void {
    const { audit, report } = this.#parts;
    const actor = { kind: 'system', name: this.#parts.name } as const;
    const object = { kind: 'source', id, name } as const;
    const written = audit
      .append({ action, actor, object, outcome: 'denied', ...told })
      .then(
        () => undefined,
        (cause: unknown) => {
          report('an act of discovery could not be audited', cause);
        },
      )
      .finally(() => this.#underWay.delete(written));
    this.#underWay.add(written);
  }

  #isNew(told: Map<string, number>, kind: string): boolean {
    const now = this.#parts.clock.monotonicMs();
    if (now - (told.get(kind) ?? -Infinity) < EVERY_MS) return false;
    if (told.size >= MOST_KINDS) for (const [old, at] of told) if (now - at >= EVERY_MS) told.delete(old);
    // Whoever makes up that many is known by now.
    if (told.size >= MOST_KINDS && !told.has(kind)) return false;
    told.set(kind, now);
    return true;
  }
}
