import { authorizeTarget } from '../access/index.ts';
import type { AuthorizedTarget, Grant } from '../access/index.ts';
import { isFault } from '../fault/index.ts';
import { identifyLogin } from '../identity/index.ts';
import type { LoginLimits, VerifiedIdentity } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import type { Target, TargetGroup, TargetGroupId } from '../target/index.ts';
import type { Clock } from '../time/index.ts';
import type { SessionRecord, ViewerMode } from './session.ts';

export interface RightsCheckParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly loginLimits: () => LoginLimits;
}

/** Somebody's hold on a session: by which login, and as what. */
export interface Hold {
  readonly loginDigest: string;
  readonly mode: ViewerMode;
  readonly address: string;
  readonly session: Pick<SessionRecord, 'userId' | 'targetId'>;
}

/** What a leave lets somebody do with a session: control one's own, watch one's own, watch others' with the right to. */
export function mayHold(leave: AuthorizedTarget, isOwn: boolean, mode: ViewerMode): boolean {
  if (mode === 'control') return isOwn && leave.actions.has('connect');
  return isOwn || leave.actions.has('watch');
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

  /** In words why the hold must end; undefined where it may go on. */
  async objection(hold: Hold): Promise<string | undefined> {
    const identity = await kept(this.#identities, hold.loginDigest, () => this.#identify(hold.loginDigest));
    if (identity === undefined) return 'the login ended';
    const { user } = identity;
    const { now } = this.#parts.store;
    const [target, grants, groups] = await Promise.all([
      kept(this.#targets, hold.session.targetId, () => now.catalog.findTarget(hold.session.targetId)),
      kept(this.#grants, user.id, () => now.grants.listFor(user.id, identity.groupIds)),
      (this.#groups ??= now.catalog.listGroups().then((list) => new Map(list.map((group) => [group.id, group])))),
    ]);
    if (target === undefined) return 'the machine was removed';
    try {
      const circumstances = { now: this.#parts.clock.now(), address: hold.address };
      const leave = authorizeTarget(identity, target, { grants, groups, circumstances });
      return mayHold(leave, hold.session.userId === user.id, hold.mode) ? undefined : 'the grant was withdrawn';
    } catch (failure) {
      if (isFault(failure, 'NOT_FOUND')) return 'the grant was withdrawn';
      if (isFault(failure, 'ACCESS_NOT_NOW')) return 'the access holds at other times or from other networks';
      throw failure;
    }
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
