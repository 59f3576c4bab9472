import type { AuthorizedTarget } from '../access/index.ts';
import type { Secret } from '../credential/index.ts';
import { isStreamed } from '../engine/index.ts';
import type {
  ClipboardRights,
  ConnectStep,
  DisplaySize,
  EngineFacts,
  EngineSession,
  FileChannel,
  StreamedSession,
  SurfaceKind,
} from '../engine/index.ts';
import type { SessionRecorder } from '../recording/index.ts';
import { Fault, toFault } from '../fault/index.ts';
import type { Afterwards } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import { connect, connectFiles } from './connect.ts';
import { causeOfEngineEnd, endedEvent } from './end-cause.ts';
import type { EndCause } from './end-cause.ts';
import { EarlyOutput } from './early-output.ts';
import { FileLog, type FileLogParts } from './file-log.ts';
import { InputRecording, inputPolicyOf } from './input-recording.ts';
import { LiveSession } from './live-session.ts';
import { Questions } from './questions.ts';
import type { Relay } from './relay.ts';
import { clipboardRightsOf, fileRightsOf } from './session-access.ts';
import { SessionFiles } from './session-files.ts';
import { SessionLog } from './session-log.ts';
import type { ByteCounts } from './session-log.ts';
import { SessionRecording } from './session-recording.ts';
import { transition } from './session-state.ts';
import { SessionTime } from './session-time.ts';
import type { SessionEvent, ViewerMessage } from './session-event.ts';
import type { SessionRecord, SessionState } from './session.ts';
import { StreamRelay } from './stream-relay.ts';
import type { DataPort, LoginLife, Viewer } from './viewer.ts';

export interface SessionFacts {
  readonly record: SessionRecord;
  readonly leave: AuthorizedTarget;
  /** For the files, where they are on another machine. */
  readonly filesLeave: AuthorizedTarget | undefined;
  readonly surface: SurfaceKind;
  readonly login: LoginLife;
  readonly loginPassword: () => Promise<Secret | undefined>;
  readonly afterwards: Afterwards;
  /** The same leave for the machine as it is now. @throws Fault */
  readonly leaveNow: () => Promise<AuthorizedTarget>;
}

const NOTHING: AuthorizedTarget['actions'] = new Set();
const DEFAULT_DISPLAY: DisplaySize = { columns: 80, rows: 24 };

/** One session on the node that holds the target's socket, from the first control socket to the sealed recording. */
export class HostedSession {
  readonly id: string;
  readonly #parts: BrokerParts;
  readonly #leave: AuthorizedTarget;
  readonly #filesLeave: AuthorizedTarget | undefined;
  readonly #record: SessionRecord;
  readonly #log: SessionLog;
  readonly #recording: SessionRecording;
  readonly #loginPassword: () => Promise<Secret | undefined>;
  readonly #leaveNow: SessionFacts['leaveNow'];
  readonly #surface: SurfaceKind;
  readonly #afterwards: Afterwards;
  readonly #attached = new Set<Viewer>();
  readonly #abort = new AbortController();
  readonly #questions: Questions;
  readonly #waiting = new Set<Viewer>();
  readonly #ended = Promise.withResolvers<void>();
  #state: SessionState = 'requested';
  #live: Relay | undefined;
  #files: SessionFiles | undefined;
  #display = DEFAULT_DISPLAY;
  #facts: EngineFacts = {};
  #step: ConnectStep | undefined;
  /** What was learnt of the machine right before it was dialled. */
  #note: string | undefined;
  #graceUntil: number | undefined;
  #time: SessionTime | undefined;
  /** What the machine's settings allow; undefined where the surface has no clipboard of its own. */
  #clipboard: ClipboardRights | undefined;
  /** The same of files. */
  #clipboardFiles: ClipboardRights | undefined;
  #actions: AuthorizedTarget['actions'];
  /** The login whose end ends the session: that of whoever controls it. */
  login: LoginLife;
  /** When time alone takes the access away, as far as that is known. */
  accessUntil: number | undefined;

  constructor(parts: BrokerParts, facts: SessionFacts) {
    this.id = facts.record.id;
    this.#parts = parts;
    this.#record = facts.record;
    this.#leave = facts.leave;
    this.#actions = this.viewOnly ? NOTHING : facts.leave.actions;
    this.#filesLeave = facts.filesLeave;
    this.#log = new SessionLog(parts, facts.record, facts.afterwards);
    this.#recording = new SessionRecording(parts, facts.record, facts.leave);
    this.#surface = facts.surface;
    this.#loginPassword = facts.loginPassword;
    this.#leaveNow = facts.leaveNow;
    this.#afterwards = facts.afterwards;
    this.login = facts.login;
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

  /** Where its person is: at the controlling viewer's address, or where they asked for it. */
  get address(): string {
    const controlling = this.viewers.find(({ identity }) => identity.mode === 'control');
    return controlling?.identity.address ?? this.#record.address;
  }

  get userId(): string {
    return this.#record.userId;
  }

  get grantId(): string | undefined {
    return this.#record.grantId;
  }

  get requestedAt(): number {
    return this.#record.requestedAt;
  }

  get targetName(): string {
    return this.#leave.target.name;
  }

  get targetId(): string {
    return this.#record.targetId;
  }

  get recordExempt(): boolean {
    return this.#record.recordExempt;
  }

  get viewOnly(): boolean {
    return this.#record.viewOnly;
  }

  get viewers(): readonly Viewer[] {
    return [...(this.#live?.viewers ?? this.#waiting)];
  }

  get bytes(): ByteCounts {
    return { in: this.#live?.bytesIn ?? 0, out: this.#live?.bytesOut ?? 0 };
  }

  /** Settles once the recording is sealed and everything is written down. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Where the session is live and its machine has files, or names one that has. */
  get files(): SessionFiles | undefined {
    return this.#over ? undefined : this.#files;
  }

  /** The machine that has the session's files, where it is another one. */
  get filesTargetId(): string | undefined {
    return this.#filesLeave?.target.id;
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
      if (viewer.identity.mode === 'control') {
        this.#display = display;
        if (this.#state === 'requested') {
          this.#become('opening');
          void this.#open();
        }
        for (const event of this.#questions.pending()) viewer.control.send(event);
      }
      viewer.control.send({ type: 'state', state: 'opening' });
      return;
    }
    this.#live.join(viewer);
    this.#greet(viewer);
    if (viewer.identity.mode === 'control') {
      this.#graceUntil = undefined;
      if (this.#state === 'grace') {
        this.#become('live');
        this.#log.state('live');
      }
      this.#live.resize(viewer, display);
      // Who only looks can say in no other way that they are there.
      if (this.viewOnly) this.#live.active();
    }
  }

  connectData(viewer: Viewer, data: DataPort): void {
    if (this.#live !== undefined) {
      this.#live.connectData(viewer, data);
      return;
    }
    viewer.data = data;
    // A decoder may speak first, and only once; what a person types at a terminal before there is a shell goes nowhere.
    if (this.#surface !== 'terminal') data.pauseInput();
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

  /** Tells a viewer why, and closes it; the session goes on. */
  dismiss(viewer: Viewer, { code, facts }: Fault): void {
    viewer.end({ type: 'ended', reason: code, fault: { code, facts } });
    this.detach(viewer);
  }

  /**
   * What the person may do with the session, as the policy says now. A stream keeps what it began with: where its clipboard
   * changes, it ends, and the person's page comes back for another.
   */
  allow(actions: AuthorizedTarget['actions']): void {
    const before = this.#actions;
    this.#actions = this.viewOnly ? NOTHING : actions;
    const differs = (rightsOf: (actions: AuthorizedTarget['actions']) => ClipboardRights): boolean => {
      const [one, other] = [rightsOf(before), rightsOf(this.#actions)];
      return one.upload !== other.upload || one.download !== other.download;
    };
    const isOther =
      (this.#clipboard !== undefined && differs(clipboardRightsOf)) ||
      (this.#clipboardFiles !== undefined && differs(fileRightsOf));
    if (!isOther) return;
    for (const viewer of this.viewers) if (viewer.identity.mode === 'control') this.detach(viewer);
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
    if (this.#graceUntil !== undefined && now >= this.#graceUntil) {
      void this.end({ reason: 'grace-expired' });
      return;
    }
    if (this.#live === undefined) return;
    for (const viewer of this.#live.tick())
      this.dismiss(viewer, new Fault('VIEWER_STALLED', 'the browser took no output for too long'));
    const { lastInputMs } = this.#live;
    const over = this.#time?.over(now, lastInputMs);
    if (over !== undefined) {
      void this.end(over);
      return;
    }
    const accessLeftMs = (this.accessUntil ?? Infinity) - this.#parts.clock.now();
    const warning = this.#time?.warning(now, lastInputMs, accessLeftMs);
    if (warning !== undefined) this.#live.tell(warning);
  }

  /** Writes the byte counts down if they changed; the broker calls it every few seconds. */
  save(): Promise<void> {
    return this.#log.bytes(this.bytes);
  }

  /** Idempotent; resolves when the session has ended and its recording is sealed. */
  async end(cause: EndCause): Promise<void> {
    if (this.#state === 'ended') return this.#ended.promise;
    const wasLive = this.#state === 'live' || this.#state === 'grace';
    this.#become('ended');
    this.#abort.abort(new Fault('SESSION_ENDED', `the session ended: ${cause.reason}`));
    this.#questions.abandonAll();
    const event = endedEvent(cause, this.#live === undefined ? this.#step : undefined);
    for (const viewer of this.viewers) {
      viewer.end(event);
      // A page that was told of the end waits for this socket to close: nothing more comes by it.
      viewer.data?.close();
    }
    try {
      await this.#files?.[Symbol.asyncDispose]();
      await this.#live?.close();
      for (const viewer of this.viewers) viewer.close();
    } catch (failure) {
      this.#parts.report('closing a session failed', failure);
    }
    await this.#writeDown(cause, wasLive);
    this.#parts.observe({ type: 'ended', reason: cause.reason });
    this.#ended.resolve();
    return undefined;
  }

  async #writeDown(cause: EndCause, wasLive: boolean): Promise<void> {
    const recording = this.#recording;
    const summary = await recording.seal(cause.reason);
    const at = this.#parts.clock.now();
    const indexed = recording.indexed(summary, { at, reason: cause.reason });
    await this.#log.ended(cause, { at, bytes: this.bytes, wasLive, recordingId: recording.id, summary, indexed });
  }

  async #open(): Promise<void> {
    const { parts, started } = { parts: this.#parts, started: this.#parts.clock.monotonicMs() };
    const early = new EarlyOutput();
    let engine: EngineSession | StreamedSession | undefined;
    try {
      const leave = await this.#lookedAt();
      engine = await connect(leave, parts, {
        display: () => this.#display,
        signal: this.#abort.signal,
        sink: early,
        sessionId: this.id,
        questions: this.#questions,
        loginPassword: this.#loginPassword,
        audit: (event) => this.#log.audit(event),
        progress: (step, target) => {
          this.#step = step;
          this.#tellController({ type: 'progress', step, target });
        },
      });
      if (!isStreamed(engine)) engine.pause();
      await this.#start(engine, early);
      parts.observe({ type: 'opened', ms: parts.clock.monotonicMs() - started });
    } catch (failure) {
      await engine?.[Symbol.asyncDispose]();
      const fault = toFault(failure);
      if (fault.code === 'INTERNAL') parts.report('opening a session failed', failure);
      await this.end({ reason: fault.code, detail: fault.message, fault });
    }
  }

  /** INVARIANT: the machine that is dialled is the one that leave was given for, at the address that it has now. */
  async #lookedAt(): Promise<AuthorizedTarget> {
    const look = await this.#parts.lookAgain?.(this.#leave.target, this.#abort.signal);
    this.#note = look?.note;
    if (look?.isChanged !== true) return this.#leave;
    const leave = await this.#leaveNow();
    const { name, protocol } = leave.target;
    // The viewers' pages and the recording are of the protocol that was asked for.
    if (protocol !== this.#leave.target.protocol)
      throw new Fault('CONFLICT', `${name} has changed and is opened by ${protocol} now: open it again`);
    return leave;
  }

  async #start(engine: EngineSession | StreamedSession, early: EarlyOutput): Promise<void> {
    const ended = new Fault('SESSION_ENDED', 'the session ended while it opened');
    // INVARIANT: the row that says the session is open names the recording, and the recording's head names the row.
    const auditHash = await this.#log.opening(this.#recording.promise(), this.#note);
    if (this.#over) throw ended;
    const desktopInput = isStreamed(engine) ? this.#parts.recording.desktopInput : 'off';
    const recorder = await this.#recording.open(engine.facts.hostKeyFingerprint, auditHash, desktopInput);
    if (this.#over) {
      const end = { at: this.#parts.clock.now(), reason: 'closed-by-user' };
      await this.#afterwards.write(this.#recording.indexed(await this.#recording.seal(end.reason), end));
      throw ended;
    }
    this.#facts = engine.facts;
    if (!(await this.#log.live(this.#recording.id)) || this.#over) throw ended;
    const live = this.#relay(engine, recorder);
    // INVARIANT: nothing is awaited from here on, so that what came early is recorded and shown before what comes next.
    this.#time = new SessionTime(this.#parts.clock, this.#parts.limits);
    this.#live = live;
    this.#become('live');
    this.#files = this.#filesOf(engine, recorder);
    if (isStreamed(engine)) {
      this.#clipboard = engine.clipboard;
      this.#clipboardFiles = engine.clipboardFiles;
    }
    void recorder.failed.then((fault) => this.#failed(fault));
    if (!isStreamed(engine)) void recorder.append({ kind: 'resize', ...this.#display }).catch(() => undefined);
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
    void live.ended.then((end) => this.end(causeOfEngineEnd(end)));
    if (isStreamed(engine) || !(live instanceof LiveSession)) return;
    early.flowTo((bytes) => live.output(bytes));
    engine.resume();
  }

  #filesOf(
    engine: EngineSession | StreamedSession,
    recorder: Pick<SessionRecorder, 'append'>,
  ): SessionFiles | undefined {
    if (this.viewOnly) return undefined;
    const beside = this.#filesLeave;
    const open = beside === undefined ? engine.files : () => this.#openBeside(beside);
    if (open === undefined) return undefined;
    const { clock, hasher, passing } = this.#parts;
    const { id, name } = (beside ?? this.#leave).target;
    return new SessionFiles({
      open,
      audit: (event) => this.#log.audit(event),
      record: (event) => recorder.append(event),
      active: () => this.#live?.active(),
      hasher,
      passing,
      clock,
      target: { id, name },
      sessionId: this.id,
    });
  }

  #openBeside(leave: AuthorizedTarget): Promise<FileChannel> {
    return connectFiles(leave, this.#parts, {
      signal: this.#abort.signal,
      sessionId: this.id,
      questions: this.#questions,
      loginPassword: this.#loginPassword,
      audit: (event) => this.#log.audit(event),
    });
  }

  #relay(
    engine: EngineSession | StreamedSession,
    recorder: Pick<SessionRecorder, 'append' | 'sealKeys' | 'backlog'>,
  ): Relay {
    const { clock, limits, recording } = this.#parts;
    const { viewOnly } = this;
    const common = { recorder, limits, clock, viewOnly, onFailure: (cause: unknown) => void this.#failed(cause) };
    const logBy = (audit: FileLogParts['audit']): FileLog =>
      new FileLog({
        audit,
        record: (event) => recorder.append(event),
        target: { id: this.#leave.target.id, name: this.#leave.target.name },
        sessionId: this.id,
      });
    if (isStreamed(engine))
      return new StreamRelay({
        ...common,
        engine,
        desktopInput: this.#recording.desktopInput,
        clipboard: () => clipboardRightsOf(this.#actions),
        clipboardFiles: () => fileRightsOf(this.#actions),
        fileLog: logBy((event) => this.#log.audit(event)),
        denialLog: logBy((event) => this.#log.auditLater(event)),
      });
    return new LiveSession({
      ...common,
      engine,
      history: this.#parts.histories(this.#surface, this.#display),
      input: new InputRecording(
        inputPolicyOf(this.#leave.target, recording.input),
        (event) => void recorder.append(event).catch(() => undefined),
        () => clock.monotonicMs(),
      ),
    });
  }

  async #failed(cause: unknown): Promise<void> {
    const fault = toFault(cause);
    void this.#log.recordingFailed(fault, this.#recording.id);
    await this.end({ reason: fault.code, detail: fault.message, fault });
  }

  #enterGrace(): void {
    if (this.#state !== 'live') return;
    this.#become('grace');
    this.#log.state('grace');
    this.#graceUntil = this.#parts.clock.monotonicMs() + this.#parts.limits.graceMs;
  }

  #greet(viewer: Viewer): void {
    viewer.control.send({ type: 'state', state: 'live' });
    viewer.control.send({ type: 'recording', on: this.#recording.id !== undefined });
    viewer.control.send({ type: 'facts', facts: this.#facts });
    if (this.viewOnly || viewer.identity.mode === 'watch') viewer.control.send({ type: 'notice', code: 'view-only' });
    else {
      if (this.#clipboard !== undefined) {
        viewer.control.send({
          type: 'clipboard',
          ...both(clipboardRightsOf(this.#actions), this.#clipboard),
          ...(this.#clipboardFiles === undefined
            ? {}
            : { files: both(fileRightsOf(this.#actions), this.#clipboardFiles) }),
        });
      }
      if (this.#files !== undefined) viewer.control.send(this.#filesEvent());
    }
  }

  #filesEvent(): SessionEvent {
    const beside = this.#filesLeave;
    const rights = fileRightsOf(beside?.actions ?? this.#actions);
    return { type: 'files', ...rights, ...(beside === undefined ? {} : { machine: beside.target.name }) };
  }

  #become(next: SessionState): void {
    this.#state = transition(this.#state, next);
  }

  #tellController(event: SessionEvent): void {
    for (const viewer of this.viewers) if (viewer.identity.mode === 'control') viewer.control.send(event);
  }
}

function both(one: ClipboardRights, other: ClipboardRights): ClipboardRights {
  return { upload: one.upload && other.upload, download: one.download && other.download };
}
