import { Fault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import { randomId } from '../time/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { Invitation, InvitationId } from './invitation.ts';
import type { SessionAccess } from './session-access.ts';
import type { SessionId, SessionRecord } from './session.ts';

const MOST_INVITATIONS = 20;
const LONGEST_MINUTES = 12 * 60;

/** Whom the owner lets look on, and for how long. */
export interface InvitationWish {
  readonly sessionId: SessionId;
  readonly username: string;
  readonly minutes: number;
}

/** What owners of sessions do to have others look on, and what those find. */
export class Sharing {
  readonly #parts: BrokerParts;
  readonly #access: SessionAccess;

  constructor(parts: BrokerParts, access: SessionAccess) {
    this.#parts = parts;
    this.#access = access;
  }

  /** INVARIANT: the answer is the same whether or not somebody is called so. @throws Fault NOT_FOUND, SESSION_ENDED, FORBIDDEN, CONFLICT, INVALID_REQUEST */
  async invite(owner: VerifiedIdentity, wish: InvitationWish, address: string): Promise<Invitation> {
    const { store, clock, random } = this.#parts;
    const session = await this.#owned(owner, wish.sessionId, address);
    if (!(await this.#access.mayShare(session)))
      throw new Fault('FORBIDDEN', 'your grants do not let you share a session with this machine');
    if (wish.minutes > LONGEST_MINUTES)
      throw new Fault('INVALID_REQUEST', `minutes must be at most ${LONGEST_MINUTES}, received ${wish.minutes}`);
    const now = clock.now();
    const full = new Fault('CONFLICT', `${MOST_INVITATIONS} invitations are open; withdraw some of them`);
    if ((await store.now.invitations.listOf(session.id, now)).length >= MOST_INVITATIONS) throw full;
    const guest = await store.now.users.findByUsername(wish.username);
    const invitation: Invitation = {
      id: `inv_${randomId(random)}`,
      sessionId: session.id,
      username: wish.username,
      guestId: guest?.id,
      createdAt: now,
      expiresAt: now + wish.minutes * 60_000,
    };
    await this.#note(owner, session, { action: 'session.shared', invitation, address });
    if (!(await store.now.invitations.insertWithin(invitation, MOST_INVITATIONS))) throw full;
    return invitation;
  }

  /** @throws Fault NOT_FOUND, SESSION_ENDED */
  async invitations(owner: VerifiedIdentity, sessionId: SessionId, address: string): Promise<readonly Invitation[]> {
    const session = await this.#owned(owner, sessionId, address);
    return this.#parts.store.now.invitations.listOf(session.id, this.#parts.clock.now());
  }

  /** Idempotent. @throws Fault NOT_FOUND, SESSION_ENDED */
  async withdraw(
    owner: VerifiedIdentity,
    { sessionId, id }: { readonly sessionId: SessionId; readonly id: InvitationId },
    address: string,
  ): Promise<void> {
    const { store, clock } = this.#parts;
    const session = await this.#owned(owner, sessionId, address);
    const open = await store.now.invitations.listOf(session.id, clock.now());
    const invitation = open.find((one) => one.id === id);
    if (invitation === undefined || !(await store.now.invitations.delete(session.id, id))) return;
    await store.now.commands.post({ kind: 'recheck-user', userId: session.userId }, clock.now());
    await this.#note(owner, session, { action: 'session.unshared', invitation, address });
  }

  /** The live sessions that somebody is invited to and may look at, now. */
  async invitedTo(guest: VerifiedIdentity, address: string): Promise<readonly SessionRecord[]> {
    const { store, clock } = this.#parts;
    const found: SessionRecord[] = [];
    for (const id of await store.now.invitations.sessionsFor(guest.user.id, clock.now())) {
      const session = await store.now.sessions.find(id);
      if (session === undefined || session.state === 'ended') continue;
      if ((await this.#access.guestOf(guest, session, address)) !== undefined) found.push(session);
    }
    return found;
  }

  async #owned(owner: VerifiedIdentity, sessionId: SessionId, address: string): Promise<SessionRecord> {
    const session = await this.#parts.store.now.sessions.find(sessionId);
    await this.#access.mayView(owner, session, { mode: 'control', address });
    if (session === undefined) throw new Fault('NOT_FOUND', 'there is no such session');
    return session;
  }

  async #note(
    owner: VerifiedIdentity,
    session: SessionRecord,
    {
      action,
      invitation,
      address,
    }: {
      readonly action: 'session.shared' | 'session.unshared';
      readonly invitation: Invitation;
      readonly address: string;
    },
  ): Promise<void> {
    await this.#parts.audit.append({
      action,
      actor: { kind: 'user', id: owner.user.id, name: owner.user.username },
      address,
      object: { kind: 'session', id: session.id, name: session.targetName },
      outcome: 'success',
      detail: { guest: invitation.username, expiresAt: invitation.expiresAt },
    });
  }
}
