const MOST_REMOVALS = 10;
const MOST_SHARE = 0.2;

/**
 * Whether a listing takes so much away that a person must agree first: more than ten machines and more than a fifth of them, or all of several.
 * A cloud that answers an empty or cut list without an error looks exactly so.
 */
export function needsApproval(removals: number, present: number): boolean {
  if (removals === 0) return false;
  if (removals === present && present > 1) return true;
  return removals > Math.max(MOST_REMOVALS, present * MOST_SHARE);
}
