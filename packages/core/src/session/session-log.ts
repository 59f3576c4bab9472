import type { AuditEvent, AuditRecord } from '../audit/index.ts';
import type { Fault } from '../fault/index.ts';
import type { RecordingId, RecordingSummary } from '../recording/index.ts';
import type { Afterwards, Steps } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { EndCause } from './end-cause.ts';
import type { PromisedRecording } from './session-recording.ts';
import type { SessionRecord } from './session.ts';

export interface ByteCounts {
  readonly in: number;
  readonly out: number;
}

export type SessionAuditEvent = Pick<AuditEvent, 'action' | 'outcome' | 'object' | 'reason' | 'detail'>;

export interface EndFacts {
  readonly at: number;
  readonly bytes: ByteCounts;
  readonly wasLive: boolean;
  readonly recordingId: RecordingId | undefined;
  readonly summary: RecordingSummary | undefined;
  /** What the index of recordings must learn. */
  readonly indexed: Steps;
}

/** What is written down about one session: its row in the store, and its audit events. */
export class SessionLog {
  readonly #parts: BrokerParts;
  readonly #record: SessionRecord;
  readonly #afterwards: Afterwards;
  #savedBytes = 0;

  constructor(parts: BrokerParts, record: SessionRecord, afterwards: Afterwards) {
    this.#parts = parts;
    this.#record = record;
    this.#afterwards = afterwards;
  }

  audit(event: SessionAuditEvent): Promise<AuditRecord> {
    return this.#parts.audit.append(this.#eventOf(event));
  }

  /** Of what did not happen, so that nothing waits for it. Resolves after the first attempt; where the database does not answer, the rest is done later. */
  auditLater(event: SessionAuditEvent): Promise<void> {
    const full = this.#eventOf(event);
    return this.#afterwards.write([() => this.#parts.audit.append(full)]);
  }

  /** Answers the hash of the row, which the recording names in its head. */
  async opening(promised: PromisedRecording, note: string | undefined): Promise<string> {
    const { id, protocol, viewOnly, recordExempt } = this.#record;
    const isExempt = recordExempt && promised.recordingId === undefined;
    const { hash } = await this.audit({
      action: 'session.opened',
      outcome: 'success',
      object: this.#target,
      detail: {
        ...{ sessionId: id, protocol },
        ...(viewOnly ? { viewOnly } : {}),
        ...(isExempt ? { recordExempt } : {}),
        ...(note === undefined ? {} : { note }),
        ...promised,
      },
    });
    return hash;
  }

  /** False where somebody else ended the session in the meantime. */
  live(recordingId: RecordingId | undefined): Promise<boolean> {
    const openedAt = this.#parts.clock.now();
    return this.#parts.store.now.sessions.update(this.#record.id, { state: 'live', openedAt, ...named(recordingId) });
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

  recordingFailed(fault: Fault, recordingId: RecordingId | undefined): Promise<void> {
    const detail = { sessionId: this.#record.id, ...named(recordingId) };
    const event = this.#eventOf({ action: 'recording.failed', outcome: 'failure', reason: fault.code, detail });
    return this.#afterwards.write([() => this.#parts.audit.append(event)]);
  }

  /** Resolves after the first attempt; where the database does not answer, the rest is done later. */
  ended(cause: EndCause, facts: EndFacts): Promise<void> {
    const { id } = this.#record;
    const { at: endedAt, summary } = facts;
    const { in: bytesIn, out: bytesOut } = facts.bytes;
    let isOurs = true;
    let event: AuditEvent | undefined;
    const end = {
      state: 'ended',
      endedAt,
      endReason: cause.reason,
      endDetail: cause.detail,
      bytesIn,
      bytesOut,
    } as const;
    return this.#afterwards.write([
      ...facts.indexed,
      async () => {
        const { sessions } = this.#parts.store.now;
        // A write whose answer was lost has happened.
        isOurs = (await sessions.update(id, end)) || (await sessions.find(id))?.endedAt === endedAt;
      },
      () => {
        event ??= this.#eventOf({
          // Where another node has written the end, what is new is that the recording is whole after all.
          action: !facts.wasLive ? 'session.failed' : isOurs ? 'session.ended' : 'recording.recovered',
          outcome: cause.fault === undefined ? 'success' : 'failure',
          object: this.#target,
          reason: cause.reason,
          detail: {
            ...{ sessionId: id, bytesIn, bytesOut, endedAt },
            ...named(facts.recordingId),
            ...(summary === undefined ? {} : { manifestHash: summary.manifestHash }),
          },
        });
        return this.#parts.audit.append(event);
      },
    ]);
  }

  #eventOf(event: SessionAuditEvent): AuditEvent {
    const { userId, username, address } = this.#record;
    return { actor: { kind: 'user', id: userId, name: username }, address, ...event };
  }

  get #target(): NonNullable<AuditEvent['object']> {
    return { kind: 'target', id: this.#record.targetId, name: this.#record.targetName };
  }
}

function named(recordingId: RecordingId | undefined): { readonly recordingId?: RecordingId } {
  return recordingId === undefined ? {} : { recordingId };
}
