import type { Grant, GrantId } from './grant.ts';
import type { AccessRequest } from './request.ts';

/** A place among the sessions that a grant allows at once, or one of those that an approved request is good for. */
export interface Seat {
  readonly grantId: GrantId;
  readonly most: number;
  /** Used up by whoever takes the seat, if it still is as it was when it was judged. */
  readonly request?: AccessRequest;
  /** The grant that was asked under counts its sessions too. */
  readonly within?: { readonly grantId: GrantId; readonly most: number };
}

function isCounted({ conditions, pass }: Grant): boolean {
  return conditions?.concurrentSessions !== undefined || pass !== undefined;
}

function seatOf({ id, conditions, pass }: Grant): Seat {
  const most = conditions?.concurrentSessions;
  if (pass === undefined) return { grantId: id, most: most ?? 0 };
  const { request } = pass;
  const within = most === undefined ? {} : { within: { grantId: request.grantId, most } };
  return { grantId: id, most: request.sessions, request, ...within };
}

/** The seats of which a session needs one; none where one of the grants asks for none. What is used up comes last. */
export function seatsOf(ways: readonly Grant[]): readonly Seat[] {
  if (ways.some((grant) => !isCounted(grant))) return [];
  const rank = ({ request, grantId }: Seat): string => `${request === undefined ? 0 : 1} ${grantId}`;
  return ways.map(seatOf).toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** Those of the grants that a session may rest on: the one whose seat it has, and all that ask for none. */
export function restsOn(ways: readonly Grant[], seat: GrantId | undefined): readonly Grant[] {
  return ways.filter((grant) => !isCounted(grant) || grant.id === seat);
}

/** How long a session may last by the grants it rests on; Infinity where one of them sets no end. */
export function longestMs(grants: readonly Grant[]): number {
  return Math.max(0, ...grants.map(({ conditions }) => (conditions?.sessionMinutes ?? Infinity) * 60_000));
}
