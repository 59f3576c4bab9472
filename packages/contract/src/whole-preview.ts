import type { DiscoveryPreview } from './models/discovery.ts';

type Rest = DiscoveryPreview['rest'];

/** So many scopes are asked for at once: a request stays small. */
const ASKED = 500;
const LISTED = 500;
/** What a person has to see first. */
const ORDER = ['goes', 'appears', 'changes', 'left-out', 'stays'] as const;

/**
 * A preview of a source however large: asks on until nothing is left, and answers after each step what is known by then. `rest` is what is left.
 * @param ask calls `previewDiscovery`, with these scopes where there are some
 */
export async function* wholePreview(
  ask: (scopes: Rest | undefined) => Promise<DiscoveryPreview>,
): AsyncGenerator<DiscoveryPreview> {
  let whole = await ask(undefined);
  yield whole;
  while (whole.rest.length > 0) {
    const later = whole.rest.slice(ASKED);
    const next = await ask(whole.rest.slice(0, ASKED));
    if (next.scopes === 0) throw new Error('the preview does not go on');
    whole = joined(whole, { ...next, rest: [...next.rest, ...later] });
    yield whole;
  }
}

/** How many machines are counted and not among those that are listed. */
export function unlistedIn({ appears, changes, goes, stays, leftOut, machines }: DiscoveryPreview): number {
  return appears + changes + goes + stays + leftOut - machines.length;
}

function joined(a: DiscoveryPreview, b: DiscoveryPreview): DiscoveryPreview {
  const machines = [...a.machines, ...b.machines].sort(
    (one, other) => ORDER.indexOf(one.effect) - ORDER.indexOf(other.effect),
  );
  return {
    appears: a.appears + b.appears,
    changes: a.changes + b.changes,
    goes: a.goes + b.goes,
    stays: a.stays + b.stays,
    leftOut: a.leftOut + b.leftOut,
    machines: machines.slice(0, LISTED),
    failures: [...a.failures, ...b.failures],
    scopes: a.scopes + b.scopes,
    rest: b.rest,
  };
}
