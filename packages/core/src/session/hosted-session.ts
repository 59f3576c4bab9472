import type { AuthorizedTarget } from '../access/index.ts';
import type { AuditEvent } from '../audit/index.ts';
import type { Secret } from '../credential/index.ts';
import type { ConnectStep, DisplaySize, EngineFacts, EngineSession, SessionEnd, SurfaceKind } from '../engine/index.ts';
import { Fault, toFault } from '../fault/index.ts';
import type { RecordingId, SessionRecorder } from '../recording/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import { InputRecording } from './input-recording.ts';
import { LiveSession } from './live-session.ts';
import { Questions } from './questions.ts';
import { routeTo } from './route.ts';
import { transition } from './session-state.ts';
import type { SessionEvent, ViewerMessage } from './session-event.ts';
import type { EndReason, SessionRecord, SessionState } from './session.ts';
import { unrecorded } from './unrecorded.ts';
import type { DataPort, Viewer } from './viewer.ts';

export interface EndCause {
  readonly reason: EndReason;
  /** An administrator's words, or a fault's message. */
  readonly detail?: string;
  readonly fault?: Fault;
  readonly exitCode?: number;
  readonly exitSignal?: string;
}

export interface SessionFacts {
  readonly record: SessionRecord;
  readonly leave: AuthorizedTarget;
  readonly surface: SurfaceKind;
  readonly loginPassword: () => Promise<Secret | undefined>;
}

const DEFAULT_DISPLAY: DisplaySize = { columns: 80, rows: 24 };

/** One session on the node that holds the target's socket, from the first control socket to the sealed recording. */
export class HostedSession {
  readonly id: string;
  readonly #parts: BrokerParts;
  readonly #leave: AuthorizedTarget;
  readonly #record: SessionRecord;
  readonly #loginPassword: () => Promise<Secret | undefined>;
  readonly #surface: SurfaceKind;
  readonly #attached = new Set<Viewer>();
  readonly #abort = new AbortController();
  readonly #questions: Questions;
  readonly #waiting = new Set<Viewer>();
  readonly #ended = Promise.withResolvers<void>();
  #state: SessionState = 'requested';
  #live: LiveSession | undefined;
  #recorder: (Pick<SessionRecorder, 'append' | 'failed'> & Partial<SessionRecorder>) | undefined;
  #recordingId: RecordingId | undefined;
  #display = DEFAULT_DISPLAY;
  #facts: EngineFacts = {};
  #step: ConnectStep | undefined;
  #graceUntil: number | undefined;
  #openedMs = 0;
  #warned = false;
  #savedBytes = 0;
  /** The login whose end ends the session: that of whoever controls it. */
  loginDigest: string;

  constructor(parts: BrokerParts, facts: SessionFacts) {
    this.id = facts.record.id;
    this.#parts = parts;
    this.#record = facts.record;
    this.#leave = facts.leave;
    this.#surface = facts.surface;
    this.#loginPassword = facts.loginPassword;
    this.loginDigest = facts.record.loginDigest;
    this.#questions = new Questions(parts.clock, parts.limits.promptMs, (event) => {
      this.#tellController(event);
    });
  }

  get #over(): boolean {
    return this.#state === 'ended';
  }

  get state(): SessionState {
    return this.#state;
  }

  get userId(): string {
    return this.#record.userId;
  }

  get targetId(): string {
    return this.#record.targetId;
  }

  get viewers(): readonly Viewer[] {
    return [...(this.#live?.viewers ?? this.#waiting)];
  }

  get bytes(): { readonly in: number; readonly out: number } {
    return { in: this.#live?.bytesIn ?? 0, out: this.#live?.bytesOut ?? 0 };
  }

  /** Settles once the recording is sealed and everything is written down. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** A control socket is there. The first controlling one starts the connection. */
  attach(viewer: Viewer, display: DisplaySize): void {
    this.#attached.add(viewer);
    this.#parts.observe({ type: 'viewer', change: 1 });
    if (this.#state === 'ended') {
      viewer.close();
      return;
    }
    if (this.#live === undefined) {
      this.#waiting.add(viewer);
      this.#display = display;
      if (this.#state === 'requested') {
        this.#become('opening');
        void this.#open();
      }
      for (const event of this.#questions.pending()) viewer.control.send(event);
      viewer.control.send({ type: 'state', state: 'opening' });
      return;
    }
    this.#live.join(viewer);
    this.#greet(viewer);
    if (viewer.identity.mode === 'control') {
      this.#graceUntil = undefined;
      if (this.#state === 'grace') {
        this.#become('live');
        this.#note('live');
      }
      this.#live.resize(viewer, display);
    }
  }

  connectData(viewer: Viewer, data: DataPort): void {
    if (this.#live === undefined) viewer.data = data;
    else this.#live.connectData(viewer, data);
  }

  input(viewer: Viewer, bytes: Uint8Array): void {
    this.#live?.input(viewer, bytes);
  }

  /** Idempotent; closes both sockets. */
  detach(viewer: Viewer): void {
    if (!this.#attached.delete(viewer)) return;
    viewer.close();
    this.#parts.observe({ type: 'viewer', change: -1 });
    if (this.#live === undefined) {
      this.#waiting.delete(viewer);
      if (this.#waiting.size === 0) this.#graceUntil = this.#parts.clock.monotonicMs() + this.#parts.limits.graceMs;
      return;
    }
    if (!this.#live.leave(viewer)) this.#enterGrace();
  }

  message(viewer: Viewer, message: ViewerMessage): void {
    if (message.type === 'ping') {
      viewer.control.send({ type: 'pong', sentAt: message.sentAt });
      return;
    }
    if (viewer.identity.mode !== 'control') return;
    switch (message.type) {
      case 'resize':
        this.#display = { columns: message.columns, rows: message.rows };
        this.#live?.resize(viewer, this.#display);
        return;
      case 'end':
        void this.end({ reason: 'closed-by-user' });
        return;
      case 'answer':
      case 'host-key-answer':
      case 'cancel':
        this.#questions.answer(message);
        return;
    }
  }

  /** Once a second, from the broker. */
  tick(): void {
    const now = this.#parts.clock.monotonicMs();
    const { limits } = this.#parts;
    if (this.#graceUntil !== undefined && now >= this.#graceUntil) {
      void this.end({ reason: 'grace-expired' });
      return;
    }
    if (this.#live === undefined) return;
    for (const viewer of this.#live.tick()) {
      viewer.control.send({ type: 'ended', reason: 'VIEWER_STALLED', fault: { code: 'VIEWER_STALLED', facts: {} } });
      this.detach(viewer);
    }
    const idle = now - this.#live.lastInputMs;
    const age = now - this.#openedMs;
    if (idle >= limits.idleMs)
      void this.end({ reason: 'SESSION_IDLE', fault: new Fault('SESSION_IDLE', 'nothing was typed for too long') });
    else if (age >= limits.maximumMs)
      void this.end({
        reason: 'SESSION_EXPIRED',
        fault: new Fault('SESSION_EXPIRED', 'the session reached its maximum length'),
      });
    else this.#warn(limits.idleMs - idle, limits.maximumMs - age);
  }

  /** Writes the byte counts down if they changed; the broker calls it every few seconds. */
  async save(): Promise<void> {
    const { in: bytesIn, out: bytesOut } = this.bytes;
    if (bytesIn + bytesOut === this.#savedBytes) return;
    this.#savedBytes = bytesIn + bytesOut;
    await this.#parts.store.now.sessions.update(this.id, { bytesIn, bytesOut });
  }

  /** Idempotent; resolves when the session has ended and its recording is sealed. */
  async end(cause: EndCause): Promise<void> {
    if (this.#state === 'ended') return this.#ended.promise;
    const failedToOpen = this.#state !== 'live' && this.#state !== 'grace';
    this.#become('ended');
    this.#abort.abort(new Fault('SESSION_ENDED', `the session ended: ${cause.reason}`));
    this.#questions.abandonAll();
    const event = this.#endEvent(cause);
    for (const viewer of this.viewers) viewer.control.send(event);
    try {
      await this.#live?.close();
      for (const viewer of this.viewers) viewer.close();
      await this.#seal(cause.reason);
    } catch (failure) {
      this.#parts.report('sealing a session failed', failure);
    }
    try {
      await this.#writeDown(cause, failedToOpen);
    } catch (failure) {
      this.#parts.report('an ended session could not be written down', failure);
    }
    this.#parts.observe({ type: 'ended', reason: cause.reason });
    this.#ended.resolve();
    return undefined;
  }

  async #open(): Promise<void> {
    const { parts, started } = { parts: this.#parts, started: this.#parts.clock.monotonicMs() };
    const early: Uint8Array[] = [];
    let engine: EngineSession | undefined;
    try {
      const found = parts.engines.get(this.#leave.target.protocol);
      if (found === undefined) throw new Fault('NOT_FOUND', `no engine speaks ${this.#leave.target.protocol}`);
      const hops = await routeTo(this.#leave, {
        store: parts.store,
        vault: parts.vault,
        builtIns: parts.builtIns,
        clock: parts.clock,
        questions: this.#questions,
        loginPassword: this.#loginPassword,
        audit: (event) => this.#audit(event),
      });
      engine = await found.open({
        hops,
        display: this.#display,
        clock: parts.clock,
        signal: this.#abort.signal,
        sink: {
          output: (bytes) => {
            if (this.#live === undefined) early.push(bytes);
            else this.#live.output(bytes);
          },
        },
        ask: (prompt) => this.#questions.prompt(prompt),
        progress: (step, target) => {
          this.#step = step;
          this.#tellController({ type: 'progress', step, target });
        },
      });
      engine.pause();
      await this.#start(engine, early);
      parts.observe({ type: 'opened', ms: parts.clock.monotonicMs() - started });
    } catch (failure) {
      await engine?.[Symbol.asyncDispose]();
      const fault = toFault(failure);
      if (fault.code === 'INTERNAL') parts.report('opening a session failed', failure);
      await this.end({ reason: fault.code, detail: fault.message, fault });
    }
  }

  async #start(engine: EngineSession, early: readonly Uint8Array[]): Promise<void> {
    const { clock, limits, recording } = this.#parts;
    const recorder = recording.mode === 'strict' ? await this.#openRecorder(engine) : unrecorded();
    if (this.#over) {
      this.#recorder = recorder;
      await this.#seal('closed-by-user');
      throw new Fault('SESSION_ENDED', 'the session ended while it opened');
    }
    this.#recorder = recorder;
    this.#facts = engine.facts;
    await this.#announceOpening();
    if (this.#over) throw new Fault('SESSION_ENDED', 'the session ended while it opened');
    const live = new LiveSession({
      engine,
      recorder,
      history: this.#parts.histories(this.#surface, this.#display),
      input: new InputRecording(
        recording.input,
        (event) => void recorder.append(event).catch(() => undefined),
        () => clock.monotonicMs(),
      ),
      limits,
      clock,
      onFailure: (cause) => void this.#failed(cause),
    });
    // INVARIANT: nothing is awaited from here on, so that what came early is recorded and shown before what comes next.
    this.#openedMs = clock.monotonicMs();
    this.#live = live;
    this.#become('live');
    void recorder.failed.then((fault) => this.#failed(fault));
    void recorder.append({ kind: 'resize', ...this.#display }).catch(() => undefined);
    for (const viewer of this.#waiting) {
      const { data } = viewer;
      viewer.data = undefined;
      live.join(viewer);
      this.#greet(viewer);
      if (data !== undefined) live.connectData(viewer, data);
      if (viewer.identity.mode === 'control') live.resize(viewer, this.#display);
    }
    this.#waiting.clear();
    if (live.viewers.size === 0) this.#enterGrace();
    for (const bytes of early) live.output(bytes);
    void engine.ended.then((end) => this.#engineEnded(end));
    engine.resume();
  }

  async #announceOpening(): Promise<void> {
    const recording = this.#recordingId === undefined ? {} : { recordingId: this.#recordingId };
    await this.#audit({
      action: 'session.opened',
      outcome: 'success',
      object: { kind: 'target', id: this.#record.targetId, name: this.#record.targetName },
      detail: { sessionId: this.id, protocol: this.#record.protocol, ...recording },
    });
    await this.#parts.store.now.sessions.update(this.id, {
      state: 'live',
      openedAt: this.#parts.clock.now(),
      ...recording,
    });
  }

  async #openRecorder(engine: EngineSession): Promise<SessionRecorder> {
    const { parts, record } = { parts: this.#parts, record: this.#record };
    const { hostKeyFingerprint } = engine.facts;
    const startedAt = parts.clock.now();
    const recorder = await parts.recorder.open({
      sessionId: this.id,
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
    this.#recordingId = recorder.id;
    this.#recorder = recorder;
    await parts.store.now.recordings.insert({
      id: recorder.id,
      sessionId: this.id,
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

  async #engineEnded(end: SessionEnd): Promise<void> {
    const { fault, exitCode, exitSignal } = end;
    await this.end({
      reason: fault?.code ?? end.reason,
      ...(fault === undefined ? {} : { fault, detail: fault.message }),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(exitSignal === undefined ? {} : { exitSignal }),
    });
  }

  async #failed(cause: unknown): Promise<void> {
    const fault = toFault(cause);
    await this.#audit({
      action: 'recording.failed',
      outcome: 'failure',
      reason: fault.code,
      detail: { sessionId: this.id },
    }).catch(() => undefined);
    await this.end({ reason: fault.code, detail: fault.message, fault });
  }

  async #seal(reason: string): Promise<void> {
    const summary = await this.#recorder?.finish?.({ reason });
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

  async #writeDown(cause: EndCause, failedToOpen: boolean): Promise<void> {
    const { in: bytesIn, out: bytesOut } = this.bytes;
    await this.#parts.store.now.sessions.update(this.id, {
      state: 'ended',
      endedAt: this.#parts.clock.now(),
      endReason: cause.reason,
      endDetail: cause.detail,
      bytesIn,
      bytesOut,
    });
    await this.#audit({
      action: failedToOpen ? 'session.failed' : 'session.ended',
      outcome: cause.fault === undefined ? 'success' : 'failure',
      object: { kind: 'target', id: this.#record.targetId, name: this.#record.targetName },
      reason: cause.reason,
      detail: {
        sessionId: this.id,
        bytesIn,
        bytesOut,
        ...(this.#recordingId === undefined ? {} : { recordingId: this.#recordingId }),
      },
    });
  }

  #endEvent(cause: EndCause): SessionEvent {
    const { fault, exitCode, exitSignal, detail } = cause;
    return {
      type: 'ended',
      reason: cause.reason,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(exitSignal === undefined ? {} : { exitSignal }),
      ...(detail === undefined ? {} : { detail }),
      ...(fault === undefined
        ? {}
        : {
            fault: {
              code: fault.code,
              facts: fault.facts,
              ...(this.#step === undefined || this.#live !== undefined ? {} : { step: this.#step }),
            },
          }),
    };
  }

  #enterGrace(): void {
    if (this.#state !== 'live') return;
    this.#become('grace');
    this.#note('grace');
    this.#graceUntil = this.#parts.clock.monotonicMs() + this.#parts.limits.graceMs;
  }

  /** For the lists of other nodes; the truth is here. */
  #note(state: 'live' | 'grace'): void {
    this.#parts.store.now.sessions.update(this.id, { state }).catch((cause: unknown) => {
      this.#parts.report('a session state could not be written down', cause);
    });
  }

  #greet(viewer: Viewer): void {
    viewer.control.send({ type: 'state', state: 'live' });
    viewer.control.send({ type: 'recording', on: this.#recordingId !== undefined });
    viewer.control.send({ type: 'facts', facts: this.#facts });
    if (viewer.identity.mode === 'watch') viewer.control.send({ type: 'notice', code: 'view-only' });
  }

  #warn(idleLeftMs: number, ageLeftMs: number): void {
    const left = Math.min(idleLeftMs, ageLeftMs);
    if (left > 120_000) this.#warned = false;
    else if (!this.#warned) {
      this.#warned = true;
      this.#live?.tell({
        type: 'notice',
        code: idleLeftMs < ageLeftMs ? 'idle-soon' : 'expires-soon',
        seconds: Math.round(left / 1000),
      });
    }
  }

  #become(next: SessionState): void {
    this.#state = transition(this.#state, next);
  }

  #tellController(event: SessionEvent): void {
    for (const viewer of this.viewers) if (viewer.identity.mode === 'control') viewer.control.send(event);
  }

  #audit(event: Pick<AuditEvent, 'action' | 'outcome' | 'object' | 'reason' | 'detail'>): Promise<unknown> {
    const { userId, username, address } = this.#record;
    return this.#parts.audit.append({ actor: { kind: 'user', id: userId, name: username }, address, ...event });
  }
}
