import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import type { Hint, SourceRecord } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';

const EVERY_MS = 10 * 60_000;
const MOST_KINDS = 1_000;

export interface RefusedEventsParts {
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  /** Who refuses: a node, or a function. */
  readonly name: string;
  readonly report: (message: string, cause: unknown) => void;
}

/** Audits messages that are not believed. INVARIANT: what strangers can send writes one audit event of a kind in ten minutes, not one a message. */
export class RefusedEvents {
  /** Of messages, also those that were not audited again. */
  count = 0;
  readonly #parts: RefusedEventsParts;
  readonly #told = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: RefusedEventsParts) {
    this.#parts = parts;
  }

  refused(record: SourceRecord, { scope: { account, region }, nativeId }: Hint): void {
    this.count++;
    if (this.#isNew(`${record.id} ${account} ${region}`))
      this.#audit(record, 'the account or region is not one of the source', { account, region, machine: nativeId });
  }

  unreadable(record: SourceRecord, problem: string): void {
    this.count++;
    // What a message says of itself stands behind a colon, or is a number.
    const kind = problem.replace(/:.*/su, '').replaceAll(/\d+/gu, '');
    if (this.#isNew(`${record.id} ${kind}`)) this.#audit(record, 'a message of the queue cannot be read', { problem });
  }

  /** When all of it is written, or was reported. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #audit({ id, name }: SourceRecord, reason: string, detail: NonNullable<AuditEvent['detail']>): void {
    const { audit, report } = this.#parts;
    const actor = { kind: 'system', name: this.#parts.name } as const;
    const object = { kind: 'source', id, name } as const;
    const written = audit
      .append({ action: 'source.event-refused', actor, object, outcome: 'denied', reason, detail })
      .then(
        () => undefined,
        (cause: unknown) => {
          report('an act of discovery could not be audited', cause);
        },
      )
      .finally(() => this.#underWay.delete(written));
    this.#underWay.add(written);
  }

  #isNew(kind: string): boolean {
    const now = this.#parts.clock.monotonicMs();
    if (now - (this.#told.get(kind) ?? -Infinity) < EVERY_MS) return false;
    if (this.#told.size >= MOST_KINDS)
      for (const [old, at] of this.#told) if (now - at >= EVERY_MS) this.#told.delete(old);
    // Whoever makes up that many is known by now.
    if (this.#told.size >= MOST_KINDS && !this.#told.has(kind)) return false;
    this.#told.set(kind, now);
    return true;
  }
}
