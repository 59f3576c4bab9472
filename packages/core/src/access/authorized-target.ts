import { Fault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { Target, TargetGroup, TargetGroupId } from '../target/index.ts';
import type { Circumstances } from './conditions.ts';
import type { Grant, GrantAction } from './grant.ts';
import { accessUntil, allowedActions, explainAccess, groupAncestors } from './policy.ts';

declare const proof: unique symbol;

/** Leave for one person to do something with one target, now. Made only by `authorizeTarget` and `authorizeJump`. */
export interface AuthorizedTarget {
  readonly [proof]: 'target';
  readonly identity: VerifiedIdentity;
  readonly target: Target;
  readonly actions: ReadonlySet<GrantAction>;
  /** The grants that let the person connect, now. */
  readonly ways: readonly Grant[];
  /** Those that would with an approval. */
  readonly askable: readonly Grant[];
  /** The first moment at which time alone takes the action away; undefined where that is not before `horizon`. */
  readonly until: (action: GrantAction, horizon: number) => number | undefined;
}

export interface AccessFacts {
  readonly grants: readonly Grant[];
  readonly groups: ReadonlyMap<TargetGroupId, TargetGroup>;
  readonly circumstances: Circumstances;
}

/**
 * @throws Fault NOT_FOUND, the same for an unknown and for a forbidden target; ACCESS_NOT_NOW where a condition of the grant does not hold,
 * APPROVAL_REQUIRED where nothing but an approval is missing.
 */
export function authorizeTarget(
  identity: VerifiedIdentity,
  target: Target | undefined,
  facts: AccessFacts,
): AuthorizedTarget {
  if (target !== undefined) {
    const { grants, groups, circumstances } = facts;
    const ancestors = groupAncestors(groups, target.groupId);
    const view = { userId: identity.user.id, groupIds: identity.groupIds, grants };
    const actions = allowedActions({ ...view, circumstances }, target, ancestors);
    const now = { ...view, circumstances };
    const findings = explainAccess(now, target, ancestors).filter(
      ({ grant }) => grant.effect !== 'deny' && grant.actions.includes('connect'),
    );
    // A denial that holds now is not lifted by anybody's agreeing.
    const isDenied = explainAccess(now, target, ancestors).some(
      ({ grant, counts }) => counts && grant.effect === 'deny' && grant.actions.includes('connect'),
    );
    const askable = findings
      .filter(({ unmet }) => !isDenied && unmet.length === 1 && unmet[0] === 'approval')
      .map(({ grant }) => grant);
    if (actions.has('connect') || actions.has('watch')) {
      const ways = findings.filter(({ counts }) => counts).map(({ grant }) => grant);
      const until: AuthorizedTarget['until'] = (action, horizon) =>
        accessUntil(now, { target, ancestors, isEnough: (then) => then.has(action) }, horizon);
      return { identity, target, actions, ways, askable, until } as unknown as AuthorizedTarget;
    }
    if (askable.length > 0) throw approvalRequired();
    // Who may see the machine learns that it is a matter of when and from where; nobody else learns that there is one.
    const ever = allowedActions(
      { ...view, circumstances: { ...circumstances, address: undefined } },
      target,
      ancestors,
    );
    if (ever.has('connect') || ever.has('watch'))
      throw new Fault('ACCESS_NOT_NOW', 'the access to this machine holds at other times or from other networks');
  }
  throw new Fault('NOT_FOUND', 'there is no such machine');
}

export function approvalRequired(): Fault {
  return new Fault('APPROVAL_REQUIRED', 'this machine is opened with an approval, and none is there to be used');
}

/** Leave to pass through `jump` on the way to an authorised target that names it; it permits nothing else there. */
export function authorizeJump(destination: AuthorizedTarget, jump: Target): AuthorizedTarget {
  if (destination.target.jumpTargetId !== jump.id)
    throw new Fault('NOT_FOUND', 'the machine is not reached through this one');
  return {
    identity: destination.identity,
    target: jump,
    actions: new Set<GrantAction>(),
    ways: [],
    askable: [],
    until: () => undefined,
  } as unknown as AuthorizedTarget;
}
