import type { Grant, GrantId } from './grant.ts';

/** A place among the sessions that a grant allows at once. */
export interface Seat {
  readonly grantId: GrantId;
  readonly most: number;
}

function isCounted({ conditions }: Grant): boolean {
  return conditions?.concurrentSessions !== undefined;
}

/** The seats of which a session needs one; none where one of the grants asks for none. */
export function seatsOf(ways: readonly Grant[]): readonly Seat[] {
  if (ways.some((grant) => !isCounted(grant))) return [];
  return ways
    .map(({ id, conditions }) => ({ grantId: id, most: conditions?.concurrentSessions ?? 0 }))
    .toSorted((a, b) => (a.grantId < b.grantId ? -1 : 1));
}

/** Those of the grants that a session may rest on: the one whose seat it has, and all that ask for none. */
export function restsOn(ways: readonly Grant[], seat: GrantId | undefined): readonly Grant[] {
  return ways.filter((grant) => !isCounted(grant) || grant.id === seat);
}

/** How long a session may last by the grants it rests on; Infinity where one of them sets no end. */
export function longestMs(grants: readonly Grant[]): number {
  return Math.max(0, ...grants.map(({ conditions }) => (conditions?.sessionMinutes ?? Infinity) * 60_000));
}
