import { approvalRequired, openingActions, seatsOf } from '../access/index.ts';
import type { AuthorizedTarget } from '../access/index.ts';
import type { AuditEvent } from '../audit/index.ts';
import type { Secret } from '../credential/index.ts';
import type { DisplaySize, SurfaceKind } from '../engine/index.ts';
import { Fault, isFault, toFault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import { randomId, recur } from '../time/index.ts';
import { Afterwards } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import { DrainNotice } from './drain-notice.ts';
import type { EndCause } from './end-cause.ts';
import { HostedSession } from './hosted-session.ts';
import { endForAbsentNode } from './lost-session.ts';
import { NodeCommands } from './node-commands.ts';
import type { FileCaller, FileRights, SessionFiles } from './session-files.ts';
import { isRecordExempt } from './record-exemption.ts';
import { Revocation } from './revocation.ts';
import { fileRightsOf, SessionAccess } from './session-access.ts';
import type { OpeningWish } from './session-access.ts';
import { SessionTickets } from './session-tickets.ts';
import type { ExpectedTicket, IssuedTickets, Redeemed } from './session-tickets.ts';
import type { SessionRecord, ViewerMode } from './session.ts';
import { Sharing } from './sharing.ts';
import type { ControlPort, DataPort } from './viewer.ts';
import { Viewer } from './viewer.ts';

const COMMAND_POLL_MS = 500;
const RECHECK_MS = 30_000;
const SAVE_MS = 5_000;
const AFTERWARDS_MS = 2_000;

export interface RequestedSession {
  readonly session: SessionRecord;
  readonly surface: SurfaceKind;
  readonly tickets: IssuedTickets;
}

export interface ControlAttachment {
  readonly redeemed: Redeemed;
  readonly identity: VerifiedIdentity;
  readonly address: string;
  readonly display: DisplaySize;
  readonly control: ControlPort;
  readonly loginPassword: () => Promise<Secret | undefined>;
}

/** The files of a session in somebody's hands. */
export interface PersonalFiles {
  readonly files: SessionFiles;
  readonly caller: FileCaller;
}

/** A viewer that is attached: what its sockets may do. */
export interface Attached {
  readonly session: HostedSession;
  readonly viewer: Viewer;
}

/**
 * The one use case that joins the ports: authorise → unseal → open → fan out to viewers and recorder → audit → dispose.
 * A session belongs to the node whose broker claimed it and outlives its viewers by the grace period.
 */
export class SessionBroker implements AsyncDisposable {
  readonly #parts: BrokerParts;
  readonly #access: SessionAccess;
  readonly #tickets: SessionTickets;
  /** How owners have others look on. */
  readonly sharing: Sharing;
  readonly #revocation: Revocation;
  readonly #commands: NodeCommands;
  readonly #afterwards: Afterwards;
  readonly #sessions = new Map<string, HostedSession>();
  readonly #timers: Disposable[] = [];
  #drain: DrainNotice | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#access = new SessionAccess(parts);
    this.#tickets = new SessionTickets(parts);
    this.sharing = new Sharing(parts, this.#access);
    this.#afterwards = new Afterwards(parts);
    this.#revocation = new Revocation(parts, this.#afterwards);
    const { store, clock, limits } = parts;
    this.#commands = new NodeCommands({ store, clock, limits, revocation: this.#revocation, live: () => this.live });
  }

  /** Marks what a former life of this node left open as lost, then starts the clockwork. */
  async start(): Promise<void> {
    const { store, clock, nodeId, report } = this.#parts;
    for (const record of await store.now.sessions.listLiveOfNode(nodeId))
      await endForAbsentNode(this.#parts, record, 'node-lost');
    await this.#commands.start();
    const every = (periodMs: number, what: string, work: () => Promise<void>): void => {
      const failed = (cause: unknown): void => {
        report(what, cause);
      };
      this.#timers.push(recur(clock, { periodMs, work, failed }));
    };
    every(1_000, 'the limits of sessions could not be kept', () => this.#tick());
    every(COMMAND_POLL_MS, 'withdrawn rights could not be heard of', () => this.#commands.poll());
    every(RECHECK_MS, 'the rights to sessions could not be checked', () => this.#revocation.recheck(this.live));
    every(SAVE_MS, 'the counts of sessions could not be written down', async () => {
      for (const session of this.live) await session.save();
    });
    every(AFTERWARDS_MS, 'the ends of sessions could not be written down', () => this.#afterwards.flush());
  }

  get nodeId(): string {
    return this.#parts.nodeId;
  }

  get live(): readonly HostedSession[] {
    return [...this.#sessions.values()];
  }

  get draining(): boolean {
    return this.#drain !== undefined;
  }

  /** Step one of opening: leave is checked, a session is requested, nothing is dialled yet. @throws Fault NOT_FOUND, STEP_UP_REQUIRED, SESSION_LIMIT, NODE_DRAINING */
  async request(identity: VerifiedIdentity, wish: OpeningWish, address: string): Promise<RequestedSession> {
    const { store, engines, clock, random, audit } = this.#parts;
    this.#mayTake();
    let opening: Awaited<ReturnType<SessionAccess['mayOpen']>>;
    try {
      opening = await this.#access.mayOpen(identity, wish, address);
    } catch (failure) {
      await audit.append({
        action: 'session.refused',
        actor: { kind: 'user', id: identity.user.id, name: identity.user.username },
        address,
        object: { kind: 'target', id: wish.targetId },
        outcome: 'denied',
        reason: toFault(failure).code,
      });
      throw failure;
    }
    const { leave, viewOnly } = opening;
    const recordExempt = this.#parts.recording.allowExempt && isRecordExempt(leave);
    const engine = engines.get(leave.target.protocol);
    if (engine === undefined) throw new Fault('NOT_FOUND', `no engine speaks ${leave.target.protocol}`);
    const session: SessionRecord = {
      id: `ses_${randomId(random)}`,
      userId: identity.user.id,
      username: identity.user.username,
      targetId: leave.target.id,
      targetName: leave.target.name,
      protocol: leave.target.protocol,
      surface: engine.manifest.surface,
      state: 'requested',
      nodeId: '',
      loginDigest: identity.login.digest,
      address,
      viewOnly,
      recordExempt,
      grantId: undefined,
      recordingId: undefined,
      requestedAt: clock.now(),
      openedAt: undefined,
      endedAt: undefined,
      endReason: undefined,
      endDetail: undefined,
      bytesIn: 0,
      bytesOut: 0,
    };
    const most = this.#parts.sessionsPerUser;
    const seats = seatsOf(leave.ways(openingActions(viewOnly)));
    const placed = await store.now.sessions.insertWithin(session, { most, seats });
    if (placed === 'too-many') throw new Fault('SESSION_LIMIT', `you have ${most} live sessions, the most allowed`);
    if (placed === 'no-seat' && seats.every(({ request }) => request !== undefined)) throw approvalRequired();
    if (placed === 'no-seat')
      throw new Fault('GRANT_FULL', 'all sessions that the grant on this machine allows at once are taken');
    const usedUp = seats.some(({ request }) => request !== undefined) ? await this.#noteUse(session) : {};
    await audit.append({
      action: 'session.requested',
      actor: { kind: 'user', id: identity.user.id, name: identity.user.username },
      address,
      object: { kind: 'target', id: session.targetId, name: session.targetName },
      outcome: 'success',
      detail: {
        sessionId: session.id,
        ...usedUp,
        ...(viewOnly ? { viewOnly } : {}),
        ...(recordExempt ? { recordExempt } : {}),
      },
    });
    return {
      session,
      surface: engine.manifest.surface,
      tickets: await this.#tickets.issue(session.id, identity, 'control'),
    };
  }

  /** Which approval the session has used up, if it needed one. */
  async #noteUse({ id, userId, username, address }: SessionRecord): Promise<{ readonly requestId?: string }> {
    const { store, audit } = this.#parts;
    const seat = (await store.now.sessions.find(id))?.grantId;
    const request = seat === undefined ? undefined : await store.now.requests.find(seat);
    if (request === undefined) return {};
    await audit.append({
      action: 'request.used',
      actor: { kind: 'user', id: userId, name: username },
      address,
      object: { kind: 'request', id: request.id, name: request.scopeName },
      outcome: 'success',
      detail: { sessionId: id, uses: request.uses, sessions: request.sessions },
    });
    return { requestId: request.id };
  }

  /** Tickets to resume one's own session, or to watch somebody's. @throws Fault NOT_FOUND, SESSION_ENDED */
  async issueTickets(
    identity: VerifiedIdentity,
    sessionId: string,
    view: { readonly mode: ViewerMode; readonly address: string },
  ): Promise<IssuedTickets> {
    const session = await this.#parts.store.now.sessions.find(sessionId);
    await this.#access.mayView(identity, session, view);
    return this.#tickets.issue(sessionId, identity, view.mode);
  }

  /** Redeems a ticket for one upgrade. @throws Fault TICKET_REFUSED */
  redeem(ticket: string, expected: ExpectedTicket): Promise<Redeemed> {
    return this.#tickets.redeem(ticket, expected);
  }

  /** The node that holds the session; undefined while nobody has claimed it. @throws Fault SESSION_ENDED */
  async holder(sessionId: string): Promise<string | undefined> {
    if (this.#sessions.has(sessionId)) return this.#parts.nodeId;
    const session = await this.#parts.store.now.sessions.find(sessionId);
    if (session === undefined || session.state === 'ended') throw new Fault('SESSION_ENDED', 'the session has ended');
    return session.nodeId === '' ? undefined : session.nodeId;
  }

  /**
   * A control socket is open. Claims the session if nobody has, and checks the right again.
   * INVARIANT: nothing is awaited from the count of those who look on to the attaching, so it holds however many come at once.
   * @throws Fault
   */
  async attachControl(attachment: ControlAttachment): Promise<Attached> {
    const { redeemed, identity } = attachment;
    const held = this.#sessions.get(redeemed.sessionId);
    const record = await this.#parts.store.now.sessions.find(redeemed.sessionId);
    const leave = await this.#access.mayView(identity, record, { mode: redeemed.mode, address: attachment.address });
    const hosted = held ?? (await this.#claim(record, leave, attachment));
    if (redeemed.mode === 'control') hosted.login = identity.login;
    else this.#requirePlace(hosted);
    const viewer = new Viewer(
      {
        id: redeemed.viewerId,
        userId: identity.user.id,
        username: identity.user.username,
        mode: redeemed.mode,
        address: attachment.address,
        login: identity.login,
      },
      attachment.control,
    );
    hosted.attach(viewer, attachment.display);
    this.#drain?.tell(viewer);
    try {
      // What was withdrawn since the question above was heard of before there was anything to end.
      await this.#revocation.recheck([hosted]);
      await this.#parts.audit.append(viewerEvent(hosted, viewer, 'viewer.joined'));
    } catch (failure) {
      hosted.detach(viewer);
      throw failure;
    }
    return { session: hosted, viewer };
  }

  /** Whoever controls finds a place always: they take that of who did before. @throws Fault VIEWER_LIMIT */
  #requirePlace({ viewers }: HostedSession): void {
    const most = this.#parts.limits.watchers;
    if (viewers.filter(({ identity }) => identity.mode === 'watch').length >= most)
      throw new Fault('VIEWER_LIMIT', `${most} look on at the session, the most allowed`, { facts: { most } });
  }

  /** A data socket is open; its control socket must be attached already. @throws Fault TICKET_REFUSED */
  attachData(redeemed: Redeemed, data: DataPort): Attached {
    const session = this.#sessions.get(redeemed.sessionId);
    const viewer = session?.viewers.find(({ identity }) => identity.id === redeemed.viewerId);
    if (session === undefined || viewer === undefined)
      throw new Fault('TICKET_REFUSED', 'the control socket of this viewer is not attached');
    session.connectData(viewer, data);
    return { session, viewer };
  }

  async detach({ session, viewer }: Attached): Promise<void> {
    session.detach(viewer);
    const event = viewerEvent(session, viewer, 'viewer.left');
    await this.#afterwards.write([() => this.#parts.audit.append(event)]);
  }

  /** The files of the person's own live session, with their rights as they are now. @throws Fault NOT_FOUND, SESSION_*, FILES_UNAVAILABLE */
  async files(identity: VerifiedIdentity, sessionId: string, address: string): Promise<PersonalFiles> {
    const view = { mode: 'control', address } as const;
    const look = async (): Promise<{ readonly record: SessionRecord | undefined; readonly rights: FileRights }> => {
      const record = await this.#parts.store.now.sessions.find(sessionId);
      const leave = await this.#access.mayView(identity, record, view);
      const hosted = this.#sessions.get(sessionId);
      if (hosted?.filesTargetId === undefined || record === undefined)
        return { record, rights: fileRightsOf(leave.actions) };
      const beside = await this.#filesBeside(leave, record, address);
      if (beside?.target.id !== hosted.filesTargetId) return { record, rights: { upload: false, download: false } };
      // The machine of the session itself has been given its proof.
      if (hosted.files?.isOpen === false) this.#access.requireProof(beside);
      return { record, rights: fileRightsOf(beside.actions) };
    };
    const { record, rights } = await look();
    const hosted = this.#sessions.get(sessionId);
    if (hosted === undefined && (record?.nodeId ?? '') !== '')
      throw new Fault('SESSION_ELSEWHERE', 'another node holds the session');
    const files = hosted?.files;
    if (files === undefined) throw new Fault('FILES_UNAVAILABLE', 'this session has no files');
    return {
      files,
      caller: {
        rights,
        stillMay: async (direction) => (await look()).rights[direction],
      },
    };
  }

  /** Ends a session wherever it lives. @throws Fault NOT_FOUND */
  async end(sessionId: string, by: VerifiedIdentity, words: string): Promise<void> {
    const { store, clock, audit } = this.#parts;
    const record = await store.now.sessions.find(sessionId);
    if (record === undefined || record.state === 'ended') throw new Fault('NOT_FOUND', 'there is no such live session');
    const own = record.userId === by.user.id;
    await audit.append({
      action: 'session.terminated',
      actor: { kind: 'user', id: by.user.id, name: by.user.username },
      address: by.login.address,
      object: { kind: 'session', id: sessionId, name: record.targetName },
      outcome: 'success',
      reason: words,
    });
    const reason = own ? 'closed-by-user' : 'SESSION_TERMINATED';
    if (record.nodeId === '')
      await store.now.sessions.update(sessionId, {
        state: 'ended',
        endedAt: clock.now(),
        endReason: reason,
        endDetail: words,
      });
    else if (this.#sessions.has(sessionId))
      await this.#commands.obey({ kind: 'end-session', sessionId, reason, detail: words });
    else await store.now.commands.post({ kind: 'end-session', sessionId, reason, detail: words }, clock.now());
  }

  /** No new sessions from now on. Those that run go on, and their viewers are told for how long. */
  drain(graceMs: number): void {
    if (this.#drain !== undefined) return;
    this.#drain = new DrainNotice(this.#parts.clock, graceMs);
    for (const session of this.live) for (const viewer of session.viewers) this.#drain.tell(viewer);
  }

  /** Resolves once no session is left. */
  async emptied(): Promise<void> {
    while (this.#sessions.size > 0) await Promise.race(this.live.map((session) => session.ended));
  }

  /** The other nodes gave this one up: what it holds is not its own any more. */
  giveUp(): Promise<void> {
    return this.#endAll({ reason: 'node-lost', detail: 'the other nodes had no sign of life of this one' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drain(0);
    await this.#endAll({ reason: 'NODE_DRAINING', fault: new Fault('NODE_DRAINING', 'the node is shutting down') });
    for (const timer of this.#timers) timer[Symbol.dispose]();
    await this.#afterwards.flush();
  }

  async #endAll(cause: EndCause): Promise<void> {
    await Promise.all(this.live.map((session) => session.end(cause)));
  }

  /** @throws Fault NODE_DRAINING, STORE_UNAVAILABLE */
  #mayTake(): void {
    if (this.draining) throw new Fault('NODE_DRAINING', 'this node takes no new sessions');
    if (!this.#parts.isMember())
      throw new Fault('STORE_UNAVAILABLE', 'this node could not give the others a sign of life');
  }

  /** Makes a requested session this node's. @throws Fault */
  async #claim(
    record: SessionRecord | undefined,
    leave: AuthorizedTarget,
    attachment: ControlAttachment,
  ): Promise<HostedSession> {
    const { engines, store, nodeId } = this.#parts;
    // INVARIANT: a session is opened under the authority of the person who asked for it, never under a watcher's.
    if (attachment.redeemed.mode !== 'control') throw new Fault('CONFLICT', 'the session is not open yet');
    this.#mayTake();
    if (record === undefined || !(await store.now.sessions.claim(record.id, nodeId)))
      throw new Fault('SESSION_ELSEWHERE', 'another node holds the session');
    const hosted = new HostedSession(this.#parts, {
      record: { ...record, nodeId },
      leave,
      filesLeave: await this.#filesBeside(leave, record, attachment.address),
      surface: engines.get(leave.target.protocol)?.manifest.surface ?? 'terminal',
      login: attachment.identity.login,
      loginPassword: attachment.loginPassword,
      afterwards: this.#afterwards,
      leaveNow: () =>
        this.#access.mayView(attachment.identity, record, { mode: 'control', address: attachment.address }),
    });
    const { id } = hosted;
    this.#sessions.set(id, hosted);
    void hosted.ended.then(() => this.#sessions.delete(id));
    return hosted;
  }

  /** Where the files of the session are if they are on another machine, and the person may move some; undefined otherwise. */
  async #filesBeside(
    leave: AuthorizedTarget,
    record: SessionRecord,
    address: string,
  ): Promise<AuthorizedTarget | undefined> {
    const { engines } = this.#parts;
    if (record.viewOnly || engines.get(leave.target.protocol)?.manifest.holdsFiles === true) return undefined;
    try {
      const found = await this.#access.mayReachFiles(leave, record, address);
      return engines.get(found.target.protocol)?.openFiles === undefined ? undefined : found;
    } catch (failure) {
      if (isFault(failure, 'NOT_FOUND')) return undefined;
      throw failure;
    }
  }

  /** Once a second: what time alone ends. */
  async #tick(): Promise<void> {
    for (const session of this.live) session.tick();
    if (this.#commands.isStale) {
      const words = 'the database could not be asked for too long whether rights still hold';
      void this.#endAll({ reason: 'STORE_UNAVAILABLE', detail: words, fault: new Fault('STORE_UNAVAILABLE', words) });
    }
    if (this.#drain?.isAlmostOver() === true)
      for (const session of this.live) for (const viewer of session.viewers) this.#drain.tell(viewer);
    await this.#revocation.recheckExpired(this.live);
  }
}

function viewerEvent(session: HostedSession, viewer: Viewer, action: 'viewer.joined' | 'viewer.left'): AuditEvent {
  const { userId, username, address, mode } = viewer.identity;
  return {
    action,
    actor: { kind: 'user', id: userId, name: username },
    address,
    object: { kind: 'session', id: session.id, name: session.targetName },
    outcome: 'success',
    detail: { mode },
  };
}
