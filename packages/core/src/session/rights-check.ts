import {
  authorizeGuest,
  authorizeTarget,
  longestMs,
  openingActions,
  permissionsHeld,
  restsOn,
} from '../access/index.ts';
import type { AuthorizedTarget, Digest, Grant, LoginProof } from '../access/index.ts';
import { type FaultCode, isFault } from '../fault/index.ts';
import { identifyLogin } from '../identity/index.ts';
import type { LoginLimits, LoginRecord, VerifiedIdentity } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import type { Target, TargetGroup, TargetGroupId } from '../target/index.ts';
import type { Clock } from '../time/index.ts';
import { passOfSession } from './passes.ts';
import { isRecordExempt } from './record-exemption.ts';
import type { SessionRecord, ViewerMode } from './session.ts';

export interface RightsCheckParts {
  readonly store: Pick<Store, 'now'>;
  readonly clock: Clock;
  readonly loginLimits: () => LoginLimits;
  readonly digest: Digest;
}

type Proved = Pick<LoginRecord, 'factor' | 'provedAt'>;

/** Somebody's hold on a session: by which login, and as what. */
export interface Hold {
  /** As it was when it took hold. */
  readonly login: Proved & Pick<LoginRecord, 'digest'>;
  readonly mode: ViewerMode;
  readonly address: string;
  readonly session: Pick<
    SessionRecord,
    'id' | 'userId' | 'targetId' | 'grantId' | 'requestedAt' | 'viewOnly' | 'recordExempt'
  >;
}

/** Whether a hold may go on. */
export type Judgement =
  | { readonly holds: false; readonly code: FaultCode; readonly words: string; readonly isLoginOver?: true }
  /** `until`: when time alone ends it, where that is near. */
  | { readonly holds: true; readonly until: number | undefined; readonly actions: AuthorizedTarget['actions'] };

export function proofOf({ factor, provedAt }: Proved, at: number): LoginProof {
  return { factor, ageMs: at - provedAt };
}

/** How far ahead the end of somebody's access is looked for. */
const HORIZON_MS = 10 * 60_000;

function ended(code: FaultCode, words: string): Extract<Judgement, { readonly holds: false }> {
  return { holds: false, code, words };
}

/** What a leave lets somebody do with a session: control one's own, watch one's own, watch others' with the right to. */
export function mayHold(
  leave: AuthorizedTarget,
  {
    session,
    isOwn,
    mode,
  }: {
    readonly session: Pick<SessionRecord, 'viewOnly' | 'recordExempt'>;
    readonly isOwn: boolean;
    readonly mode: ViewerMode;
  },
): boolean {
  if (mode === 'watch') return isOwn || leave.actions.has('watch');
  // INVARIANT: what began unrecorded goes on only while it may.
  if (session.recordExempt && !isRecordExempt(leave)) return false;
  return isOwn && openingActions(session.viewOnly).some((action) => leave.actions.has(action));
}

const WITHDRAWN = ended('SESSION_REVOKED', 'the grant was withdrawn');

function judgeControl(leave: AuthorizedTarget, session: Hold['session'], now: number): Judgement {
  const by = openingActions(session.viewOnly);
  const grants = restsOn(leave.ways(by), session.grantId);
  if (grants.length === 0) return WITHDRAWN;
  const end = session.requestedAt + longestMs(grants);
  if (now >= end) return ended('SESSION_EXPIRED', 'the session lasted as long as its grant allows');
  const horizon = now + HORIZON_MS;
  const exemptUntil = session.recordExempt ? leave.until(['record-exempt'], horizon) : undefined;
  const until = Math.min(end, leave.until(by, horizon) ?? Infinity, exemptUntil ?? Infinity);
  return { holds: true, until: until === Infinity ? undefined : until, actions: leave.actions };
}

/**
 * One look at the rights of those who hold sessions: what several holds share is read once, so a look is not kept.
 * INVARIANT: a database that does not answer takes no right away; only an answer does. Then the look itself fails.
 */
export class RightsCheck {
  readonly #parts: RightsCheckParts;
  readonly #identities = new Map<string, Promise<VerifiedIdentity | undefined>>();
  readonly #targets = new Map<string, Promise<Target | undefined>>();
  readonly #grants = new Map<string, Promise<readonly Grant[]>>();
  #groups: Promise<ReadonlyMap<TargetGroupId, TargetGroup>> | undefined;

  constructor(parts: RightsCheckParts) {
    this.#parts = parts;
  }

  async judge(hold: Hold): Promise<Judgement> {
    const identity = await kept(this.#identities, hold.login.digest, () => this.#identify(hold.login.digest));
    if (identity === undefined) return { ...ended('SESSION_REVOKED', 'the login ended'), isLoginOver: true };
    const { user } = identity;
    const [target, grants, groups] = await this.#facts(identity, hold.session.targetId);
    if (target === undefined) return ended('SESSION_REVOKED', 'the machine was removed');
    try {
      // A proof is asked for when a session is opened: it grows no older in it, and giving another takes none away.
      const proofs = [hold.login, identity.login].map((login) => proofOf(login, hold.session.requestedAt));
      const circumstances = { now: this.#parts.clock.now(), address: hold.address, proofs };
      const of = { userId: user.id, grants, now: circumstances.now, digest: this.#parts.digest };
      const passes = await passOfSession(this.#parts.store, hold.session.grantId, of);
      const leave = authorizeTarget(identity, target, { grants: [...grants, ...passes], groups, circumstances });
      const { session, mode } = hold;
      if (!mayHold(leave, { session, mode, isOwn: session.userId === user.id })) return WITHDRAWN;
      return hold.mode === 'control'
        ? judgeControl(leave, hold.session, circumstances.now)
        : { holds: true, until: undefined, actions: leave.actions };
    } catch (failure) {
      if (isFault(failure, 'NOT_FOUND') || isFault(failure, 'APPROVAL_REQUIRED')) return WITHDRAWN;
      if (isFault(failure, 'STEP_UP_REQUIRED'))
        return ended('SESSION_REVOKED', 'the grant asks for a proof that the login has not given');
      if (isFault(failure, 'ACCESS_NOT_NOW'))
        return ended('ACCESS_ENDED', 'the access holds at other times or from other networks');
      throw failure;
    }
  }

  /** The leave of somebody whom the owner invited to look on. INVARIANT: that the owner may share is the caller's to know. */
  async guest({ login, address, session }: Hold): Promise<AuthorizedTarget | undefined> {
    const { store, clock } = this.#parts;
    const identity = await kept(this.#identities, login.digest, () => this.#identify(login.digest));
    if (identity === undefined || !permissionsHeld(identity).has('machine.use')) return undefined;
    const { user } = identity;
    const invitations = await store.now.invitations.listOf(session.id, clock.now());
    if (!invitations.some(({ guestId }) => guestId === user.id)) return undefined;
    const [target, grants, groups] = await this.#facts(identity, session.targetId);
    const circumstances = { now: clock.now(), address, proofs: [] };
    try {
      return authorizeGuest(identity, target, { grants, groups, circumstances });
    } catch (failure) {
      if (isFault(failure, 'NOT_FOUND')) return undefined;
      throw failure;
    }
  }

  #facts({ user, groupIds }: VerifiedIdentity, targetId: string) {
    const { now } = this.#parts.store;
    return Promise.all([
      kept(this.#targets, targetId, () => now.catalog.findTarget(targetId)),
      kept(this.#grants, user.id, () => now.grants.listFor(user.id, groupIds)),
      (this.#groups ??= now.catalog.listGroups().then((list) => new Map(list.map((group) => [group.id, group])))),
    ]);
  }

  /** A session has limits of its own: that its person asked nothing of the gateway for a while does not end it. */
  async #identify(digest: string): Promise<VerifiedIdentity | undefined> {
    const { store, clock, loginLimits } = this.#parts;
    const found = await store.now.logins.findWithUser(digest);
    return found && identifyLogin(found, { ...loginLimits(), idleMs: Infinity }, clock.now());
  }
}

function kept<T>(cache: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const known = cache.get(key) ?? read();
  cache.set(key, known);
  return known;
}
