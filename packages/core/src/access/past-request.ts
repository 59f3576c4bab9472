import type { AccessRequest } from './request.ts';

/**
 * A request as it stood at an earlier time, worked out of its own row and decisions; undefined where there was none, or where it was not
 * agreed to yet. Of one that ended later `passOf` judges whether enough people had agreed by then. How often it was used is left out of
 * account: an approval counts for the whole of its time.
 */
export function requestAsOf(request: AccessRequest, time: number): AccessRequest | undefined {
  const { state, decidedAt = request.createdAt, createdAt } = request;
  if (createdAt > time || state === 'pending') return undefined;
  if (state === 'approved' ? decidedAt > time : decidedAt <= time) return undefined;
  const decisions = request.decisions.filter(({ at }) => at <= time);
  return { ...request, state: 'approved', decisions };
}
