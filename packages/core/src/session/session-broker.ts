import type { AuthorizedTarget } from '../access/index.ts';
import type { Secret } from '../credential/index.ts';
import type { DisplaySize, SurfaceKind } from '../engine/index.ts';
import { Fault, toFault } from '../fault/index.ts';
import type { LoginLimits, VerifiedIdentity } from '../identity/index.ts';
import type { NodeCommand } from '../store/index.ts';
import { randomId } from '../time/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import { HostedSession } from './hosted-session.ts';
import { Revocation } from './revocation.ts';
import { SessionAccess } from './session-access.ts';
import { SessionTickets } from './session-tickets.ts';
import type { ExpectedTicket, IssuedTickets, Redeemed } from './session-tickets.ts';
import type { SessionRecord, ViewerMode } from './session.ts';
import type { ControlPort, DataPort } from './viewer.ts';
import { Viewer } from './viewer.ts';

const COMMAND_POLL_MS = 500;
const RECHECK_MS = 30_000;
const SAVE_MS = 5_000;

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
  readonly #revocation: Revocation;
  readonly #sessions = new Map<string, HostedSession>();
  readonly #timers: Disposable[] = [];
  #commandsRead = -1;
  #polling = false;
  #draining = false;

  constructor(parts: BrokerParts, loginLimits: LoginLimits) {
    this.#parts = parts;
    this.#access = new SessionAccess(parts.store);
    this.#tickets = new SessionTickets(parts);
    this.#revocation = new Revocation(parts, this.#access, loginLimits);
  }

  /** Marks what a former life of this node left open as lost, then starts the clockwork. */
  async start(): Promise<void> {
    const { store, clock, nodeId } = this.#parts;
    for (const record of await store.now.sessions.listLiveOfNode(nodeId)) {
      await store.now.sessions.update(record.id, { state: 'ended', endedAt: clock.now(), endReason: 'node-lost' });
      await this.#parts.audit.append({
        action: 'session.ended',
        actor: { kind: 'system', name: nodeId },
        object: { kind: 'target', id: record.targetId, name: record.targetName },
        outcome: 'failure',
        reason: 'node-lost',
        detail: {
          sessionId: record.id,
          ...(record.recordingId === undefined ? {} : { recordingId: record.recordingId }),
        },
      });
    }
    this.#commandsRead = await store.now.commands.lastSequence();
    const every = (ms: number, work: () => Promise<void>): void => {
      this.#timers.push(
        clock.every(ms, () => {
          work().catch((cause: unknown) => {
            this.#parts.report('a periodic task of the sessions failed', cause);
          });
        }),
      );
    };
    every(1_000, () => {
      for (const session of this.#sessions.values()) session.tick();
      return Promise.resolve();
    });
    every(COMMAND_POLL_MS, () => this.#poll());
    every(RECHECK_MS, () => this.#revocation.recheck(this.live));
    every(SAVE_MS, async () => {
      for (const session of this.#sessions.values()) await session.save();
    });
  }

  get nodeId(): string {
    return this.#parts.nodeId;
  }

  get live(): readonly HostedSession[] {
    return [...this.#sessions.values()];
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Step one of opening: leave is checked, a session is requested, nothing is dialled yet. @throws Fault NOT_FOUND, SESSION_LIMIT, NODE_DRAINING */
  async request(identity: VerifiedIdentity, targetId: string, address: string): Promise<RequestedSession> {
    const { store, engines, clock, random, audit } = this.#parts;
    if (this.#draining) throw new Fault('NODE_DRAINING', 'this node takes no new sessions');
    let leave: AuthorizedTarget;
    try {
      leave = await this.#access.authorize(identity, targetId);
      if (!leave.actions.has('connect')) throw new Fault('NOT_FOUND', 'there is no such machine');
    } catch (failure) {
      await audit.append({
        action: 'session.refused',
        actor: { kind: 'user', id: identity.user.id, name: identity.user.username },
        address,
        object: { kind: 'target', id: targetId },
        outcome: 'denied',
        reason: toFault(failure).code,
      });
      throw failure;
    }
    const engine = engines.get(leave.target.protocol);
    if (engine === undefined) throw new Fault('NOT_FOUND', `no engine speaks ${leave.target.protocol}`);
    if ((await store.now.sessions.countLiveOf(identity.user.id)) >= this.#parts.sessionsPerUser) {
      throw new Fault('SESSION_LIMIT', `you have ${this.#parts.sessionsPerUser} live sessions, the most allowed`);
    }
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
      recordingId: undefined,
      requestedAt: clock.now(),
      openedAt: undefined,
      endedAt: undefined,
      endReason: undefined,
      endDetail: undefined,
      bytesIn: 0,
      bytesOut: 0,
    };
    await store.now.sessions.insert(session);
    await audit.append({
      action: 'session.requested',
      actor: { kind: 'user', id: identity.user.id, name: identity.user.username },
      address,
      object: { kind: 'target', id: session.targetId, name: session.targetName },
      outcome: 'success',
      detail: { sessionId: session.id },
    });
    return {
      session,
      surface: engine.manifest.surface,
      tickets: await this.#tickets.issue(session.id, identity, 'control'),
    };
  }

  /** Tickets to resume one's own session, or to watch somebody's. @throws Fault NOT_FOUND, SESSION_ENDED */
  async issueTickets(identity: VerifiedIdentity, sessionId: string, mode: ViewerMode): Promise<IssuedTickets> {
    const session = await this.#parts.store.now.sessions.find(sessionId);
    await this.#access.mayView(identity, session, mode);
    return this.#tickets.issue(sessionId, identity, mode);
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

  /** A control socket is open. Claims the session if nobody has, and checks the right again. @throws Fault */
  async attachControl(attachment: ControlAttachment): Promise<Attached> {
    const { redeemed, identity } = attachment;
    let hosted = this.#sessions.get(redeemed.sessionId);
    if (hosted === undefined) {
      const record = await this.#parts.store.now.sessions.find(redeemed.sessionId);
      const leave = await this.#access.mayView(identity, record, redeemed.mode);
      // INVARIANT: a session is opened under the authority of the person who asked for it, never under a watcher's.
      if (redeemed.mode !== 'control') throw new Fault('CONFLICT', 'the session is not open yet');
      const surface = this.#parts.engines.get(leave.target.protocol)?.manifest.surface ?? 'terminal';
      if (record === undefined || !(await this.#parts.store.now.sessions.claim(record.id, this.#parts.nodeId))) {
        throw new Fault('SESSION_ELSEWHERE', 'another node holds the session');
      }
      hosted = new HostedSession(this.#parts, {
        record: { ...record, nodeId: this.#parts.nodeId },
        leave,
        surface,
        loginPassword: attachment.loginPassword,
      });
      const { id } = hosted;
      this.#sessions.set(id, hosted);
      void hosted.ended.then(() => this.#sessions.delete(id));
    } else {
      await this.#access.mayView(identity, await this.#parts.store.now.sessions.find(hosted.id), redeemed.mode);
      if (redeemed.mode === 'control') hosted.loginDigest = identity.login.digest;
    }
    const viewer = new Viewer(
      {
        id: redeemed.viewerId,
        userId: identity.user.id,
        username: identity.user.username,
        mode: redeemed.mode,
        address: attachment.address,
        loginDigest: identity.login.digest,
      },
      attachment.control,
    );
    hosted.attach(viewer, attachment.display);
    await this.#auditViewer(hosted, viewer, 'viewer.joined');
    return { session: hosted, viewer };
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
    await this.#auditViewer(session, viewer, 'viewer.left');
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
    else if (this.#sessions.has(sessionId)) await this.#obey({ kind: 'end-session', sessionId, reason, detail: words });
    else await store.now.commands.post({ kind: 'end-session', sessionId, reason, detail: words }, clock.now());
  }

  /** No new sessions from now on. */
  drain(): void {
    this.#draining = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    await Promise.all(
      this.live.map((session) =>
        session.end({ reason: 'NODE_DRAINING', fault: new Fault('NODE_DRAINING', 'the node is shutting down') }),
      ),
    );
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      for (const { sequence, command } of await this.#parts.store.now.commands.after(this.#commandsRead, 100)) {
        await this.#obey(command);
        this.#commandsRead = sequence;
      }
    } finally {
      this.#polling = false;
    }
  }

  async #obey(command: NodeCommand): Promise<void> {
    switch (command.kind) {
      case 'end-session': {
        const { reason, detail } = command;
        const fault =
          reason === 'SESSION_TERMINATED'
            ? new Fault('SESSION_TERMINATED', detail, { facts: { words: detail } })
            : undefined;
        void this.#sessions.get(command.sessionId)?.end({ reason, detail, ...(fault === undefined ? {} : { fault }) });
        return;
      }
      case 'end-login':
        for (const session of this.live)
          if (session.loginDigest === command.loginDigest) this.#revocation.revoke(session, 'the login ended');
          else this.#revocation.dismiss(session.viewers.filter((v) => v.identity.loginDigest === command.loginDigest));
        return;
      case 'recheck-user':
        await this.#revocation.recheck(
          this.live.filter(
            (session) =>
              session.userId === command.userId ||
              session.viewers.some(({ identity }) => identity.userId === command.userId),
          ),
        );
        return;
      case 'recheck-all':
        await this.#revocation.recheck(this.live);
        return;
    }
  }

  #auditViewer(session: HostedSession, viewer: Viewer, action: 'viewer.joined' | 'viewer.left'): Promise<unknown> {
    const { userId, username, address, mode } = viewer.identity;
    return this.#parts.audit.append({
      action,
      actor: { kind: 'user', id: userId, name: username },
      address,
      object: { kind: 'session', id: session.id },
      outcome: 'success',
      detail: { mode },
    });
  }
}
