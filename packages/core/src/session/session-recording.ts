import type { AuthorizedTarget } from '../access/index.ts';
import type { RecordingId, SessionRecorder } from '../recording/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { SessionRecord } from './session.ts';
import { unrecorded } from './unrecorded.ts';

/** The recording of one session as the policy wants it, and its row in the index. */
export class SessionRecording {
  readonly #parts: BrokerParts;
  readonly #record: SessionRecord;
  readonly #leave: AuthorizedTarget;
  #recorder: SessionRecorder | undefined;

  constructor(parts: BrokerParts, record: SessionRecord, leave: AuthorizedTarget) {
    this.#parts = parts;
    this.#record = record;
    this.#leave = leave;
  }

  /** Undefined where nothing is recorded. */
  get id(): RecordingId | undefined {
    return this.#recorder?.id;
  }

  async open(hostKeyFingerprint: string | undefined): Promise<Pick<SessionRecorder, 'append' | 'backlog' | 'failed'>> {
    const { parts, record } = { parts: this.#parts, record: this.#record };
    if (parts.recording.mode === 'off') return unrecorded();
    const startedAt = parts.clock.now();
    const recorder = await parts.recorder.open({
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
      policy: { strict: true, input: parts.recording.input },
      node: parts.nodeId,
      softwareVersion: parts.softwareVersion,
      startedAt,
    });
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
      startedAt,
      endedAt: undefined,
      durationMs: 0,
      storedBytes: 0,
      chunks: 0,
      endReason: undefined,
    });
    return recorder;
  }

  /** Does nothing where nothing was opened. */
  async seal(reason: string): Promise<void> {
    const summary = await this.#recorder?.finish({ reason });
    if (summary === undefined) return;
    await this.#parts.store.now.recordings.update(summary.id, {
      state: summary.state.toLowerCase() as 'complete' | 'incomplete' | 'gapped',
      endedAt: this.#parts.clock.now(),
      durationMs: summary.durationMs,
      storedBytes: summary.storedBytes,
      chunks: summary.chunks,
      endReason: reason,
    });
  }
}
