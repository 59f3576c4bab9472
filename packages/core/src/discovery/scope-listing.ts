import { type Fault } from '../fault/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import type { ListedScope, NamedScope, Scope, SourceId } from './discovery-source.ts';

export interface ListingResult {
  readonly retired: readonly NamedScope[];
  readonly returned: readonly NamedScope[];
  /** By account: why its regions are not known. */
  readonly unlisted: ReadonlyMap<string, Fault>;
  /** The source names no scope at all although some are known: nothing was retired. */
  readonly isSuspicious: boolean;
}

/**
 * Brings the scopes of a source to what it lists. INVARIANT: what is known is retired only by a list that has something in it, and only in
 * accounts of which every region was listed.
 */
export async function takeListing(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  source: SourceId,
  listed: readonly ListedScope[],
): Promise<ListingResult> {
  const { discovery } = store.now;
  const known = await discovery.listScopes(source);
  const unlisted = new Map(
    listed.flatMap(({ account, unlisted: fault }) => (fault ? [[account, fault] as const] : [])),
  );
  const isThere = new Set(listed.map(keyOf));
  const active = known.filter(({ retiredAt }) => retiredAt === undefined);
  const isSuspicious = listed.length === 0 && active.length > 0;
  await discovery.noteScopes(source, listed);
  const returned = [];
  for (const scope of known)
    if (scope.retiredAt !== undefined && isThere.has(keyOf(scope)) && (await discovery.returnScope(source, scope)))
      returned.push(scope);
  const retired = [];
  for (const scope of isSuspicious ? [] : active)
    if (
      !isThere.has(keyOf(scope)) &&
      !unlisted.has(scope.account) &&
      (await discovery.retireScope(source, scope, clock.now()))
    )
      retired.push(scope);
  return { retired, returned, unlisted, isSuspicious };
}

function keyOf({ account, region }: Scope): string {
  return `${account} ${region}`;
}
