import type { AuthorizedTarget } from '../access/index.ts';
import type { RecordingId, RecordingSummary, SessionRecorder } from '../recording/index.ts';
import { randomId } from '../time/index.ts';
import type { Steps } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { DesktopInputPolicy } from './desktop-input.ts';
import { inputPolicyOf } from './input-recording.ts';
import type { EndReason, SessionRecord } from './session.ts';
import { unrecorded } from './unrecorded.ts';

/** Empty where nothing is recorded. */
export interface PromisedRecording {
  readonly recordingId?: RecordingId;
  readonly retainUntil?: number;
}

/** The recording of one session as the policy wants it, and its row in the index. */
export class SessionRecording {
  readonly #parts: BrokerParts;
  readonly #record: SessionRecord;
  readonly #leave: AuthorizedTarget;
  #recorder: SessionRecorder | undefined;
  /** As it was when the recording began; the settings may change meanwhile. */
  desktopInput: DesktopInputPolicy = 'off';
  /** Undefined where nothing is recorded. Made before the recording, so that the audit row it names can name it. */
  readonly id: RecordingId | undefined;
  /** INVARIANT: the audit row that opens the session and the recording's head promise the same, counted from the same moment. */
  #promised = { startedAt: 0, retainUntil: 0 };

  constructor(parts: BrokerParts, record: SessionRecord, leave: AuthorizedTarget) {
    this.#parts = parts;
    this.#record = record;
    this.#leave = leave;
    const { mode, allowExempt } = parts.recording;
    this.id = mode === 'off' || (allowExempt && record.recordExempt) ? undefined : randomId(parts.random);
  }

  /** What the audit row that opens the session says of the recording. */
  promise(): PromisedRecording {
    if (this.id === undefined) return {};
    const startedAt = this.#parts.clock.now();
    this.#promised = { startedAt, retainUntil: startedAt + this.#parts.recording.retentionMs };
    return { recordingId: this.id, retainUntil: this.#promised.retainUntil };
  }

  /**
   * After `promise`.
   * @param auditHash of the row that says the session is open
   */
  async open(
    hostKeyFingerprint: string | undefined,
    auditHash: string,
    desktopInput: DesktopInputPolicy,
  ): Promise<Pick<SessionRecorder, 'append' | 'sealKeys' | 'backlog' | 'failed'>> {
    const { parts, record } = { parts: this.#parts, record: this.#record };
    if (this.id === undefined) return unrecorded();
    this.desktopInput = desktopInput;
    const description = {
      sessionId: record.id,
      user: { id: record.userId, name: record.username, address: record.address },
      target: {
        id: record.targetId,
        name: record.targetName,
        address: `${this.#leave.target.host}:${this.#leave.target.port}`,
        ...(hostKeyFingerprint === undefined ? {} : { hostKeyFingerprint }),
      },
      protocol: record.protocol,
      surface: record.surface,
      policy: { strict: true, input: inputPolicyOf(this.#leave.target, parts.recording.input), desktopInput },
      node: parts.nodeId,
      softwareVersion: parts.softwareVersion,
      ...this.#promised,
      auditHash,
    };
    const recorder = await parts.recorder.open(description, this.id);
    this.#recorder = recorder;
    await parts.store.now.recordings.insert({
      id: recorder.id,
      sessionId: record.id,
      userId: record.userId,
      username: record.username,
      targetId: record.targetId,
      targetName: record.targetName,
      protocol: record.protocol,
      surface: record.surface,
      nodeId: parts.nodeId,
      state: 'recording',
      startedAt: this.#promised.startedAt,
      endedAt: undefined,
      durationMs: 0,
      storedBytes: 0,
      chunks: 0,
      endReason: undefined,
    });
    return recorder;
  }

  /** Undefined where nothing was opened, or the recorder gave up. */
  async seal(reason: string): Promise<RecordingSummary | undefined> {
    try {
      return await this.#recorder?.finish({ reason });
    } catch (failure) {
      this.#parts.report('sealing a recording failed', failure);
      return undefined;
    }
  }

  /** What the index must learn at the end. */
  indexed(summary: RecordingSummary | undefined, end: { readonly at: number; readonly reason: EndReason }): Steps {
    const { recordings } = this.#parts.store.now;
    if (this.#recorder === undefined) return [];
    const { at: endedAt, reason: endReason } = end;
    if (summary === undefined) return [() => recordings.abandonOf(this.#record.id, { endedAt, endReason })];
    const { durationMs, storedBytes, chunks } = summary;
    const state = summary.state.toLowerCase() as 'complete' | 'incomplete' | 'gapped';
    return [() => recordings.update(summary.id, { state, endedAt, durationMs, storedBytes, chunks, endReason })];
  }
}
