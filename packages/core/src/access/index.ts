export { PERMISSIONS, permissionsHeld, permissionsOf, TOKEN_PERMISSIONS } from './permissions.ts';
export type { Permission, TokenPermission } from './permissions.ts';
export { deniedActions, FACTOR_LEVELS, GRANT_ACTIONS, GRANT_EFFECTS, openingActions } from './grant.ts';
export type {
  Approval,
  FactorCondition,
  FactorLevel,
  Grant,
  GrantAction,
  GrantConditions,
  GrantEffect,
  GrantId,
  GrantScope,
  GrantSubject,
  TimeWindow,
} from './grant.ts';
export { isProved, isTimeZone, minutesOf, UNMET_CONDITIONS, unmetConditions } from './conditions.ts';
export type { Circumstances, LoginProof, Presence, UnmetCondition } from './conditions.ts';
export { accessUntil, allowedActions, decideFor, explainAccess, groupAncestors, scopeCovers } from './policy.ts';
export type { AccessView, Decide, GrantFinding, PlacedTarget } from './policy.ts';
export { EffectOfChange } from './effect.ts';
export type { GrantChange, Placement } from './effect.ts';
export { actionsOf, bitsOf, decideForAll, TargetIndex } from './target-index.ts';
export { effectBetween } from './policy-effect.ts';
export type { PersonEffect, PolicyState } from './policy-effect.ts';
export {
  approvalOf,
  approvers,
  askedText,
  isUnaltered,
  mayDecide,
  passOf,
  REQUEST_STATES,
  VERDICTS,
} from './request.ts';
export type {
  AccessRequest,
  Asked,
  Digest,
  RequestDecision,
  RequestId,
  RequestScope,
  RequestState,
  Verdict,
} from './request.ts';
export { requestAsOf } from './past-request.ts';
export { longestMs, restsOn, seatsOf } from './seat.ts';
export type { Seat } from './seat.ts';
export {
  approvalRequired,
  authorizeFiles,
  authorizeGuest,
  authorizeJump,
  authorizeTarget,
  SEEN_BY,
} from './authorized-target.ts';
export type { AccessFacts, AuthorizedTarget } from './authorized-target.ts';
export { DEFAULT_EGRESS, egressVerdict, isLoopbackAddress, isSameAddress, parseAddress, parseCidr } from './egress.ts';
export type { EgressPolicy, EgressVerdict } from './egress.ts';
export type { OwnService } from './own-service.ts';
