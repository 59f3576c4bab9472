import { approvalOf, decideFor, type Grant, type GrantAction, groupAncestors } from '@enchilada/core/access';
import type { Clock } from '@enchilada/core/time';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import type { Target, TargetGroup, TargetGroupId } from '@enchilada/core/target';

export interface SearchedTarget {
  readonly target: Target;
  /** Everything that is searched, in lower case; the name comes first. */
  readonly haystack: string;
}

/** A machine a person may do something with. */
export interface VisibleTarget extends SearchedTarget {
  readonly actions: ReadonlySet<GrantAction>;
  /** It is opened with an approval alone. */
  readonly asks: boolean;
}

export interface CatalogSearch {
  readonly text?: string;
  readonly groupId?: string;
  readonly label?: string;
  readonly ids?: string;
}

interface Snapshot {
  readonly version: number;
  /** By name. */
  readonly targets: readonly Target[];
  /** In the same order. */
  readonly entries: readonly SearchedTarget[];
  readonly groups: ReadonlyMap<TargetGroupId, TargetGroup>;
  readonly ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>;
}

interface Kept {
  readonly version: number;
  /** When the first of the grants ends. */
  readonly until: number;
  readonly visible: readonly VisibleTarget[];
}

const PEOPLE_KEPT = 50;
const NONE: readonly TargetGroupId[] = [];

/** Nothing in what is shown but connect or watch: other actions alone make no machine visible. */
function isVisible(actions: ReadonlySet<GrantAction>): boolean {
  return actions.has('connect') || actions.has('watch');
}

/** The catalog in memory, as of its version number, and for each person what the one policy function lets them see (T13). */
export class CatalogView {
  readonly #store: Store;
  readonly #clock: Clock;
  #snapshot: Snapshot | undefined;
  #loading: Promise<Snapshot> | undefined;
  /** In order of last use. INVARIANT: an entry is used only with the catalog version and the groups it was made for. */
  readonly #people = new Map<string, Kept>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async snapshot(): Promise<Snapshot> {
    const version = await this.#store.now.catalog.version();
    if (this.#snapshot?.version === version) return this.#snapshot;
    this.#loading ??= this.#load(version).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async visibleTo(identity: VerifiedIdentity): Promise<readonly VisibleTarget[]> {
    const snapshot = await this.snapshot();
    const key = `${identity.user.id} ${[...identity.groupIds].sort().join(' ')}`;
    const kept = this.#people.get(key);
    this.#people.delete(key);
    const now = this.#clock.now();
    if (kept?.version === snapshot.version && now < kept.until) {
      this.#people.set(key, kept);
      return kept.visible;
    }
    const grants = await this.#store.now.grants.listFor(identity.user.id, identity.groupIds);
    const circumstances = { now, address: undefined };
    const view = { userId: identity.user.id, groupIds: identity.groupIds, grants, circumstances };
    const decide = decideFor(view);
    const free = grants.filter((grant) => approvalOf(grant) === undefined);
    const decideFreely = free.length === grants.length ? decide : decideFor({ ...view, grants: free });
    const visible = snapshot.entries.flatMap(({ target, haystack }): readonly VisibleTarget[] => {
      const ancestors = target.groupId === undefined ? NONE : (snapshot.ancestors.get(target.groupId) ?? NONE);
      const all = decide(target, ancestors);
      const freely = decideFreely === decide ? all : decideFreely(target, ancestors);
      const asks = all.has('connect') && !freely.has('connect');
      const actions = asks ? all : freely;
      return isVisible(actions) ? [{ target, actions, asks, haystack }] : [];
    });
    this.#people.set(key, { version: snapshot.version, until: firstEnd(grants, now), visible });
    for (const oldest of this.#people.keys()) {
      if (this.#people.size <= PEOPLE_KEPT) break;
      this.#people.delete(oldest);
    }
    return visible;
  }

  /** As of the last snapshot. */
  ancestorsOf({ groupId }: Pick<Target, 'groupId'>): readonly TargetGroupId[] {
    return groupId === undefined ? NONE : (this.#snapshot?.ancestors.get(groupId) ?? NONE);
  }

  async #load(version: number): Promise<Snapshot> {
    const { catalog } = this.#store.now;
    const [all, groupList] = await Promise.all([catalog.listTargets(), catalog.listGroups()]);
    const groups = new Map(groupList.map((group) => [group.id, group]));
    const ancestors = new Map(groupList.map((group) => [group.id, groupAncestors(groups, group.id)]));
    const paths = new Map(
      groupList.map((group) => [
        group.id,
        (ancestors.get(group.id) ?? NONE).map((id) => groups.get(id)?.name ?? '').join(' '),
      ]),
    );
    const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
    const sorted = all.filter(({ goneAt }) => goneAt === undefined).sort((a, b) => collator.compare(a.name, b.name));
    const snapshot: Snapshot = {
      version,
      targets: sorted,
      entries: sorted.map((target) => ({
        target,
        haystack: haystackOf(target, target.groupId === undefined ? '' : (paths.get(target.groupId) ?? '')),
      })),
      groups,
      ancestors,
    };
    this.#snapshot = snapshot;
    return snapshot;
  }
}

function firstEnd(grants: readonly Grant[], now: number): number {
  const ends = grants.map(({ conditions }) => conditions?.notAfter ?? Infinity).filter((end) => end > now);
  return Math.min(Infinity, ...ends);
}

function haystackOf(target: Target, path: string): string {
  const labels = Object.entries(target.labels).map(([key, value]) => `${key}:${value}`);
  return [target.name, target.host, target.protocol, path, ...labels].join('\n').toLowerCase();
}

/** Answers whether labels hold what is asked for: a name, or name and value. A name may hold a colon itself (`cloud:region`). */
function labelTest(wanted: string): (labels: Target['labels']) => boolean {
  const pairs = [...wanted.matchAll(/:/gu)].map(
    ({ index }) => [wanted.slice(0, index), wanted.slice(index + 1)] as const,
  );
  return (labels) =>
    Object.hasOwn(labels, wanted) ||
    pairs.some(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}

/** The machines that match, those whose name begins with the text first. Runs over every machine at each keystroke. */
export function searchTargets<T extends SearchedTarget>(
  all: readonly T[],
  search: CatalogSearch,
  ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>,
): readonly T[] {
  const text = (search.text ?? '').toLowerCase().trim();
  const words = text.split(/\s+/u).filter((word) => word !== '');
  const { groupId } = search;
  const tests: ((entry: T) => boolean)[] = words.map(
    (word) =>
      ({ haystack }) =>
        haystack.includes(word),
  );
  if (search.ids !== undefined) {
    const ids = new Set(search.ids.split(','));
    tests.unshift(({ target }) => ids.has(target.id));
  }
  if (groupId !== undefined)
    tests.unshift(
      ({ target }) => target.groupId !== undefined && (ancestors.get(target.groupId) ?? NONE).includes(groupId),
    );
  if (search.label !== undefined) {
    const hasLabel = labelTest(search.label);
    tests.unshift(({ target }) => hasLabel(target.labels));
  }
  const found = tests.reduce((rest, test) => rest.filter(test), all);
  if (words.length === 0) return found;
  const first: T[] = [];
  const others: T[] = [];
  for (const entry of found) (entry.haystack.startsWith(text) ? first : others).push(entry);
  return first.length === 0 || others.length === 0 ? found : [...first, ...others];
}

/** A page by offset; the cursor is opaque to callers. */
export function pageOf<T>(
  items: readonly T[],
  request: { readonly cursor?: string; readonly limit?: number },
): { readonly items: readonly T[]; readonly next?: string } {
  const start = /^\d{1,9}$/u.test(request.cursor ?? '') ? Number(request.cursor) : 0;
  const end = start + (request.limit ?? 100);
  return { items: items.slice(start, end), ...(end < items.length ? { next: String(end) } : {}) };
}
