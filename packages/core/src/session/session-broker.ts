import type { AuthorizedTarget } from '../access/index.ts';
import type { AuditEvent } from '../audit/index.ts';
import type { Secret } from '../credential/index.ts';
import type { DisplaySize } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import { recur } from '../time/index.ts';
import { Afterwards } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import { DrainNotice } from './drain-notice.ts';
import type { EndCause } from './end-cause.ts';
import { FilesAccess } from './files-access.ts';
import type { PersonalFiles } from './files-access.ts';
import { HostedSession } from './hosted-session.ts';
import { endForAbsentNode } from './lost-session.ts';
import { NodeCommands } from './node-commands.ts';
import { Revocation } from './revocation.ts';
import { SessionAccess } from './session-access.ts';
import type { OpeningWish } from './session-access.ts';
import { SessionRequests } from './session-requests.ts';
import type { RequestedSession } from './session-requests.ts';
import { SessionTickets } from './session-tickets.ts';
import type { ExpectedTicket, IssuedTickets, Redeemed } from './session-tickets.ts';
import type { SessionRecord, ViewerMode } from './session.ts';
import { Sharing } from './sharing.ts';
import type { ControlPort, DataPort, ViewerWindow } from './viewer.ts';
import { Viewer } from './viewer.ts';

const COMMAND_POLL_MS = 500;
const RECHECK_MS = 30_000;
const SAVE_MS = 5_000;
const AFTERWARDS_MS = 2_000;

export interface ControlAttachment {
  readonly redeemed: Redeemed;
  readonly identity: VerifiedIdentity;
  readonly address: string;
  readonly display: DisplaySize;
  readonly window?: ViewerWindow | undefined;
  readonly control: ControlPort;
  readonly loginPassword: () => Promise<Secret | undefined>;
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
  readonly #requests: SessionRequests;
  readonly #files: FilesAccess;
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
    this.#requests = new SessionRequests(parts, this.#access, this.#tickets);
    this.#files = new FilesAccess(parts, this.#access);
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
    await this.#mayTake();
    return this.#requests.request(identity, wish, address);
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
    const byGrant =
      redeemed.mode === 'watch' && (await this.#access.watchesByGrant(identity, record, attachment.address));
    const hosted = held ?? (await this.#claim(record, leave, attachment));
    if (redeemed.mode === 'control') {
      takePlace(hosted, attachment.window);
      hosted.login = identity.login;
    } else this.#findPlace(hosted, byGrant);
    const viewer = new Viewer(
      {
        id: redeemed.viewerId,
        userId: identity.user.id,
        username: identity.user.username,
        mode: redeemed.mode,
        byGrant,
        address: attachment.address,
        windowId: attachment.window?.id,
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

  /**
   * Whoever controls finds a place always: they take that of who did before. Of those who look on, whoever does so by a grant takes the place of the last
   * who does not: neither guests nor the person's own windows keep out who is there to watch. @throws Fault VIEWER_LIMIT
   */
  #findPlace(session: HostedSession, byGrant: boolean): void {
    const most = this.#parts.limits.watchers;
    const watching = session.viewers.filter(({ identity }) => identity.mode === 'watch');
    if (watching.length < most) return;
    const full = new Fault('VIEWER_LIMIT', `${most} look on at the session, the most allowed`, { facts: { most } });
    const last = byGrant ? watching.findLast(({ identity }) => !identity.byGrant) : undefined;
    if (last === undefined) throw full;
    session.dismiss(last, full);
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
  files(identity: VerifiedIdentity, sessionId: string, address: string): Promise<PersonalFiles> {
    return this.#files.of(identity, { sessionId, address, hosted: () => this.#sessions.get(sessionId) });
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
  async #mayTake(): Promise<void> {
    if (this.draining) throw new Fault('NODE_DRAINING', 'this node takes no new sessions');
    if (!(await this.#parts.isMember()))
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
    await this.#mayTake();
    if (record === undefined || !(await store.now.sessions.claim(record.id, nodeId)))
      throw new Fault('SESSION_ELSEWHERE', 'another node holds the session');
    const hosted = new HostedSession(this.#parts, {
      record: { ...record, nodeId },
      leave,
      filesLeave: await this.#files.beside(leave, record, attachment.address),
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

/** Whoever asks has the session; a page that comes back by itself leaves it to another one that took it meanwhile. @throws Fault VIEWER_REPLACED */
function takePlace(session: HostedSession, window: ViewerWindow | undefined): void {
  if (window?.returns !== true) return;
  const holder = session.viewers.find(({ identity }) => identity.mode === 'control');
  if (holder !== undefined && holder.identity.windowId !== window.id)
    throw new Fault('VIEWER_REPLACED', 'the session was resumed in another window');
}
