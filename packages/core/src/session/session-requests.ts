import { approvalRequired, openingActions, seatsOf } from '../access/index.ts';
import type { SurfaceKind } from '../engine/index.ts';
import { Fault, toFault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import { randomId } from '../time/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import { isRecordExempt } from './record-exemption.ts';
import type { OpeningWish, SessionAccess } from './session-access.ts';
import type { IssuedTickets, SessionTickets } from './session-tickets.ts';
import type { SessionRecord } from './session.ts';

export interface RequestedSession {
  readonly session: SessionRecord;
  readonly surface: SurfaceKind;
  readonly tickets: IssuedTickets;
}

/** Sessions that are asked for: written down and given tickets, or refused, and audited either way. */
export class SessionRequests {
  readonly #parts: BrokerParts;
  readonly #access: SessionAccess;
  readonly #tickets: SessionTickets;

  constructor(parts: BrokerParts, access: SessionAccess, tickets: SessionTickets) {
    this.#parts = parts;
    this.#access = access;
    this.#tickets = tickets;
  }

  /** Step one of opening: leave is checked, a session is requested, nothing is dialled yet. @throws Fault NOT_FOUND, STEP_UP_REQUIRED, SESSION_LIMIT, GRANT_FULL, APPROVAL_REQUIRED */
  async request(identity: VerifiedIdentity, wish: OpeningWish, address: string): Promise<RequestedSession> {
    const { store, engines, clock, random, audit } = this.#parts;
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
}
