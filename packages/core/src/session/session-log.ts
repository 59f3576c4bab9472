import type { AuditEvent } from '../audit/index.ts';
import type { Fault } from '../fault/index.ts';
import type { RecordingId } from '../recording/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { EndCause } from './end-cause.ts';
import type { SessionRecord } from './session.ts';

export interface ByteCounts {
  readonly in: number;
  readonly out: number;
}

export type SessionAuditEvent = Pick<AuditEvent, 'action' | 'outcome' | 'object' | 'reason' | 'detail'>;

/** What is written down about one session: its row in the store, and its audit events. */
export class SessionLog {
  readonly #parts: BrokerParts;
  readonly #record: SessionRecord;
  #savedBytes = 0;

  constructor(parts: BrokerParts, record: SessionRecord) {
    this.#parts = parts;
    this.#record = record;
  }

  audit(event: SessionAuditEvent): Promise<unknown> {
    const { userId, username, address } = this.#record;
    return this.#parts.audit.append({ actor: { kind: 'user', id: userId, name: username }, address, ...event });
  }

  async opened(recordingId: RecordingId | undefined): Promise<void> {
    const { id, protocol } = this.#record;
    const recording = recordingId === undefined ? {} : { recordingId };
    await this.audit({
      action: 'session.opened',
      outcome: 'success',
      object: this.#target,
      detail: { sessionId: id, protocol, ...recording },
    });
    await this.#parts.store.now.sessions.update(id, {
      state: 'live',
      openedAt: this.#parts.clock.now(),
      ...recording,
    });
  }

  /** For the lists of other nodes; the truth is in the node that holds the session. */
  state(state: 'live' | 'grace'): void {
    this.#parts.store.now.sessions.update(this.#record.id, { state }).catch((cause: unknown) => {
      this.#parts.report('a session state could not be written down', cause);
    });
  }

  async bytes({ in: bytesIn, out: bytesOut }: ByteCounts): Promise<void> {
    if (bytesIn + bytesOut === this.#savedBytes) return;
    this.#savedBytes = bytesIn + bytesOut;
    await this.#parts.store.now.sessions.update(this.#record.id, { bytesIn, bytesOut });
  }

  async recordingFailed(fault: Fault): Promise<void> {
    await this.audit({
      action: 'recording.failed',
      outcome: 'failure',
      reason: fault.code,
      detail: { sessionId: this.#record.id },
    }).catch(() => undefined);
  }

  async ended(
    cause: EndCause,
    facts: {
      readonly bytes: ByteCounts;
      readonly wasLive: boolean;
      readonly recordingId: RecordingId | undefined;
    },
  ): Promise<void> {
    const { id } = this.#record;
    const { in: bytesIn, out: bytesOut } = facts.bytes;
    await this.#parts.store.now.sessions.update(id, {
      state: 'ended',
      endedAt: this.#parts.clock.now(),
      endReason: cause.reason,
      endDetail: cause.detail,
      bytesIn,
      bytesOut,
    });
    await this.audit({
      action: facts.wasLive ? 'session.ended' : 'session.failed',
      outcome: cause.fault === undefined ? 'success' : 'failure',
      object: this.#target,
      reason: cause.reason,
      detail: {
        sessionId: id,
        bytesIn,
        bytesOut,
        ...(facts.recordingId === undefined ? {} : { recordingId: facts.recordingId }),
      },
    });
  }

  get #target(): NonNullable<AuditEvent['object']> {
    return { kind: 'target', id: this.#record.targetId, name: this.#record.targetName };
  }
}
