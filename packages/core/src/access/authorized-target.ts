import { Fault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { Target, TargetGroup, TargetGroupId } from '../target/index.ts';
import type { Presence } from './conditions.ts';
import { deniedActions, FACTOR_LEVELS } from './grant.ts';
import type { FactorCondition, Grant, GrantAction } from './grant.ts';
import { accessUntil, allowedActions, explainAccess, groupAncestors } from './policy.ts';
import type { GrantFinding } from './policy.ts';

declare const proof: unique symbol;

const FILE_ACTIONS: readonly GrantAction[] = ['file-in', 'file-out'];

/** Leave for one person to do something with one target, now. Made only by `authorizeTarget`, `authorizeGuest`, `authorizeJump` and `authorizeFiles`. */
export interface AuthorizedTarget {
  readonly [proof]: 'target';
  readonly identity: VerifiedIdentity;
  readonly target: Target;
  readonly actions: ReadonlySet<GrantAction>;
  /** The grants that let the person open it by any of these actions, now. */
  readonly ways: (by: readonly GrantAction[]) => readonly Grant[];
  /** Those that would with an approval. */
  readonly askable: readonly Grant[];
  /** What the login must prove for the action, where nothing else is missing; undefined where that would not help. */
  readonly stepUp: (action: GrantAction) => Fault | undefined;
  /** The first moment at which time alone takes all of these actions away; undefined where that is not before `horizon`. */
  readonly until: (by: readonly GrantAction[], horizon: number) => number | undefined;
}

/** INVARIANT: who has one of these for a machine learns that it is there; nobody else does. */
export const SEEN_BY: readonly GrantAction[] = ['connect', 'view-only', 'watch'];

export interface AccessFacts {
  readonly grants: readonly Grant[];
  readonly groups: ReadonlyMap<TargetGroupId, TargetGroup>;
  readonly circumstances: Presence;
}

function holdsAny({ actions }: Grant, wanted: readonly GrantAction[]): boolean {
  return actions.some((action) => wanted.includes(action));
}

function denies(findings: readonly GrantFinding[], action: GrantAction): boolean {
  return findings.some(
    ({ grant, counts }) => counts && grant.effect === 'deny' && deniedActions(grant.actions).includes(action),
  );
}

/** Grants that would give the action but for what is missing. A denial that holds now is lifted by nothing. */
function lacking(
  findings: readonly GrantFinding[],
  action: GrantAction,
  isMissing: (unmet: GrantFinding['unmet']) => boolean,
): readonly Grant[] {
  if (denies(findings, action)) return [];
  return findings
    .filter(({ grant, unmet }) => grant.effect !== 'deny' && grant.actions.includes(action) && isMissing(unmet))
    .map(({ grant }) => grant);
}

/** What is asked for by the grant that asks for least. */
function proofFor(findings: readonly GrantFinding[], action: GrantAction): Fault | undefined {
  const isProofAlone = (unmet: GrantFinding['unmet']): boolean => unmet.length === 1 && unmet[0] === 'second-factor';
  const weight = ({ level, minutes = Infinity }: FactorCondition): number =>
    FACTOR_LEVELS.indexOf(level) * 2 + 1 / minutes;
  const [least] = lacking(findings, action, isProofAlone)
    .flatMap(({ conditions }) => conditions?.secondFactor ?? [])
    .toSorted((a, b) => weight(a) - weight(b));
  if (least === undefined) return undefined;
  const { level, minutes } = least;
  const age = minutes === undefined ? '' : ` proved at most ${minutes} minutes ago`;
  return new Fault('STEP_UP_REQUIRED', `the grant asks for a ${level === 'any' ? 'second factor' : level}${age}`, {
    facts: {
      factor: true,
      ...(level === 'passkey' ? { passkey: true } : {}),
      ...(minutes === undefined ? {} : { minutes }),
    },
  });
}

/**
 * @throws Fault NOT_FOUND, the same for an unknown and for a forbidden target; ACCESS_NOT_NOW where a condition of the grant does not hold,
 * STEP_UP_REQUIRED where nothing but a proof is missing, APPROVAL_REQUIRED where nothing but an approval is.
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
    const findings = explainAccess(now, target, ancestors);
    // The proof is asked for when the machine is opened, after others have agreed.
    const askable = lacking(
      findings,
      'connect',
      (unmet) => unmet.includes('approval') && unmet.every((one) => one === 'approval' || one === 'second-factor'),
    );
    const stepUp: AuthorizedTarget['stepUp'] = (action) => proofFor(findings, action);
    if (SEEN_BY.some((action) => actions.has(action))) {
      const ways: AuthorizedTarget['ways'] = (by) => {
        const open = by.filter((action) => actions.has(action));
        return findings
          .filter(({ grant, counts }) => counts && grant.effect !== 'deny' && holdsAny(grant, open))
          .map(({ grant }) => grant);
      };
      const until: AuthorizedTarget['until'] = (by, horizon) =>
        accessUntil(now, { target, ancestors, isEnough: (then) => by.some((action) => then.has(action)) }, horizon);
      return { identity, target, actions, ways, askable, stepUp, until } as unknown as AuthorizedTarget;
    }
    const proof = SEEN_BY.map(stepUp).find((fault) => fault !== undefined);
    if (proof !== undefined) throw proof;
    if (askable.length > 0) throw approvalRequired();
    // Who may see the machine learns that it is a matter of when and from where; nobody else learns that there is one.
    const ever = allowedActions(
      { ...view, circumstances: { now: circumstances.now, address: undefined } },
      target,
      ancestors,
    );
    if (SEEN_BY.some((action) => ever.has(action)))
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
  return leaveFor(destination.identity, jump, new Set());
}

/**
 * Leave to look on at a session that its owner shares; it permits nothing else there.
 * @throws Fault NOT_FOUND, also where a grant forbids the guest to open the machine or to watch
 */
export function authorizeGuest(
  identity: VerifiedIdentity,
  target: Target | undefined,
  { grants, groups, circumstances }: AccessFacts,
): AuthorizedTarget {
  if (target !== undefined && target.goneAt === undefined) {
    const view = { userId: identity.user.id, groupIds: identity.groupIds, grants, circumstances };
    const findings = explainAccess(view, target, groupAncestors(groups, target.groupId));
    if (!denies(findings, 'connect') && !denies(findings, 'watch')) return leaveFor(identity, target, new Set());
  }
  throw new Fault('NOT_FOUND', 'there is no such machine');
}

/** These actions and no way to others. */
function leaveFor(identity: VerifiedIdentity, target: Target, actions: ReadonlySet<GrantAction>): AuthorizedTarget {
  return {
    ...{ identity, target, actions },
    ways: () => [],
    askable: [],
    stepUp: () => undefined,
    until: () => undefined,
  } as unknown as AuthorizedTarget;
}

/**
 * Leave for the files of the machine that an authorised target names, by that machine's own grants; it permits nothing else there.
 * To move files is enough, the person need not be let in. @throws Fault NOT_FOUND
 */
export function authorizeFiles(
  destination: AuthorizedTarget,
  holder: Target | undefined,
  { grants, groups, circumstances }: AccessFacts,
): AuthorizedTarget {
  const { identity, target } = destination;
  if (holder !== undefined && target.filesTargetId === holder.id) {
    const view = { userId: identity.user.id, groupIds: identity.groupIds, grants, circumstances };
    const ancestors = groupAncestors(groups, holder.groupId);
    const allowed = allowedActions(view, holder, ancestors);
    const actions = new Set(FILE_ACTIONS.filter((action) => allowed.has(action)));
    if (actions.size > 0 && !denies(explainAccess(view, holder, ancestors), 'connect'))
      return leaveFor(identity, holder, actions);
  }
  throw new Fault('NOT_FOUND', 'there is no such machine');
}
