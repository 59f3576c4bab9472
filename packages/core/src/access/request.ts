import type { GroupId, UserId } from '../identity/index.ts';
import type { Approval, Grant, GrantAction, GrantId, GrantScope } from './grant.ts';

export type RequestId = string;

export type RequestScope = Extract<GrantScope, { readonly kind: 'target' | 'labels' }>;

export const REQUEST_STATES = ['pending', 'approved', 'denied', 'cancelled'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export const VERDICTS = ['approve', 'deny'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface RequestDecision {
  readonly userId: UserId;
  readonly username: string;
  readonly verdict: Verdict;
  readonly words: string;
  /** Of what was asked, as the person who decided saw it. */
  readonly hash: string;
  readonly at: number;
}

/** Somebody asks for what a grant gives only with an approval. */
export interface AccessRequest {
  readonly id: RequestId;
  readonly userId: UserId;
  readonly username: string;
  /** The grant whose rule is asked under. */
  readonly grantId: GrantId;
  readonly scope: RequestScope;
  /** What the scope was called, for people. */
  readonly scopeName: string;
  readonly actions: readonly GrantAction[];
  readonly from: number;
  readonly until: number;
  readonly reason: string;
  /** How many sessions an approval is good for. */
  readonly sessions: number;
  /** Taken without waiting for anybody. */
  readonly breakGlass: boolean;
  /** SHA-256 of `askedText`, made when it was asked. */
  readonly hash: string;
  readonly state: RequestState;
  /** Sessions that were opened with it. */
  readonly uses: number;
  readonly createdAt: number;
  readonly decidedAt: number | undefined;
  readonly decisions: readonly RequestDecision[];
}

export type Asked = Omit<
  AccessRequest,
  'hash' | 'state' | 'uses' | 'decidedAt' | 'decisions' | 'username' | 'scopeName'
>;

/** INVARIANT: everything that an approval is about; what is not in here cannot change what somebody agreed to. */
export function askedText(asked: Asked): string {
  const { id, userId, grantId, scope, actions, from, until, reason, sessions, breakGlass, createdAt } = asked;
  const about =
    scope.kind === 'target'
      ? scope.id
      : Object.entries(scope.selector)
          .map(([key, values]) => [key, [...values].sort()] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    'enchilada access request 1',
    ...[
      id,
      userId,
      grantId,
      scope.kind,
      about,
      [...actions].sort(),
      from,
      until,
      reason,
      sessions,
      breakGlass,
      createdAt,
    ],
  ]);
}

/** Lower-case hex SHA-256. */
export type Digest = (text: string) => string;

export function isUnaltered(request: AccessRequest, digest: Digest): boolean {
  return digest(askedText(request)) === request.hash;
}

/** The rule of a grant that is asked under; undefined where it asks for no approval. */
export function approvalOf(grant: Grant | undefined): Approval | undefined {
  return grant?.effect === 'deny' ? undefined : grant?.conditions?.approval;
}

/** INVARIANT: nobody decides on what they asked for themselves. */
export function mayDecide(
  request: Pick<AccessRequest, 'userId'>,
  approval: Approval | undefined,
  person: { readonly userId: UserId; readonly groupIds: readonly GroupId[] },
): boolean {
  if (approval === undefined || request.userId === person.userId) return false;
  return approval.groups.some((group) => person.groupIds.includes(group));
}

/** The people whose approval is of what is asked now. */
export function approvers(request: AccessRequest): readonly UserId[] {
  return request.decisions
    .filter(({ verdict, hash, userId }) => verdict === 'approve' && hash === request.hash && userId !== request.userId)
    .map(({ userId }) => userId);
}

/** Those of the approvers who still are some. */
export type Standing = (userId: UserId) => boolean;

export interface PassQuestion {
  readonly now: number;
  readonly digest: Digest;
  readonly isStanding: Standing;
}

/**
 * What an approved request gives while its time lasts: a grant for its person alone, bounded by what was asked and by the grant it was asked under.
 * Undefined where it gives nothing: withdrawn, altered, too early or over, or short of approvals that hold.
 */
export function passOf(request: AccessRequest, grant: Grant | undefined, question: PassQuestion): Grant | undefined {
  const approval = approvalOf(grant);
  if (grant === undefined || approval === undefined || request.grantId !== grant.id) return undefined;
  if (request.state !== 'approved' || question.now < request.from || question.now >= request.until) return undefined;
  if (!isUnaltered(request, question.digest)) return undefined;
  const isAgreed = request.breakGlass
    ? approval.breakGlass === true
    : approvers(request).filter(question.isStanding).length >= approval.count;
  if (!isAgreed) return undefined;
  const { approval: _rule, notAfter, ...others } = grant.conditions ?? {};
  return {
    id: request.id,
    subject: { kind: 'user', id: request.userId },
    scope: request.scope,
    pass: { request, within: grant.scope },
    actions: request.actions.filter((action) => grant.actions.includes(action)),
    conditions: { ...others, notAfter: Math.min(request.until, notAfter ?? Infinity) },
    createdAt: request.createdAt,
    createdBy: grant.createdBy,
  };
}
