import {
  actionsOf,
  approvalOf,
  bitsOf,
  decideForAll,
  type Grant,
  type GrantAction,
  groupAncestors,
  SEEN_BY,
  TargetIndex,
} from '@enchilada/core/access';
import type { Clock } from '@enchilada/core/time';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import type { Target, TargetGroup, TargetGroupId } from '@enchilada/core/target';
import { type Page, pageOf, type PageRequest } from './offset-page.ts';

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
  readonly protocols?: string;
}

interface Snapshot {
  /** Of targets and groups alone: a grant that is given changes none of them. */
  readonly version: number;
  readonly loadedAt: number;
  /** By name. */
  readonly targets: readonly Target[];
  readonly index: TargetIndex;
  /** In the same order. */
  readonly entries: readonly SearchedTarget[];
  readonly groups: ReadonlyMap<TargetGroupId, TargetGroup>;
  readonly ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>;
}

interface Kept {
  readonly version: number;
  readonly snapshot: Snapshot;
  /** When the first of the grants ends. */
  readonly until: number;
  /** Where in the snapshot the targets are, and what may be done with each. */
  readonly places: Uint32Array;
  readonly bits: Uint16Array;
}

/** Of all people together; six bytes each. */
const ENTRIES_KEPT = 10_000_000;
const PEOPLE_KEPT = 5_000;
/** Then it is read again with the next change of whatever kind: a node of an older release counts targets and grants together. */
const OLD_MS = 10 * 60_000;
/** So many targets are looked at before others have their turn. */
const AT_ONCE = 10_000;
const NONE: readonly TargetGroupId[] = [];

/** Other actions alone make no machine visible. */
const VISIBLE = bitsOf(SEEN_BY);
const CONNECT = bitsOf(['connect']);
/** Beyond those of the actions: it is opened with an approval alone. */
const ASKS = 0x8000;

function visibleOf(all: Uint16Array, freely: Uint16Array): Pick<Kept, 'places' | 'bits'> {
  const places: number[] = [];
  const bits: number[] = [];
  for (let at = 0; at < all.length; at += 1) {
    const [ever, now] = [all[at] ?? 0, freely[at] ?? 0];
    const asks = (ever & CONNECT) !== 0 && (now & CONNECT) === 0;
    const actions = asks ? ever : now;
    if ((actions & VISIBLE) === 0) continue;
    places.push(at);
    bits.push(asks ? actions | ASKS : actions);
  }
  return { places: Uint32Array.from(places), bits: Uint16Array.from(bits) };
}

function visibleAt({ snapshot, places, bits }: Kept, position: number): VisibleTarget | undefined {
  const searched = snapshot.entries[places[position] ?? 0];
  const actions = bits[position] ?? 0;
  if (searched === undefined) return undefined;
  const { target, haystack } = searched;
  return { target, haystack, actions: actionsOf(actions & ~ASKS), asks: (actions & ASKS) !== 0 };
}

function shown(kept: Kept): readonly VisibleTarget[] {
  const visible: VisibleTarget[] = [];
  for (let position = 0; position < kept.places.length; position += 1) {
    const one = visibleAt(kept, position);
    if (one !== undefined) visible.push(one);
  }
  return visible;
}

/** The catalog in memory, as of its version number, and for each person what the one policy function lets them see (T13). */
export class CatalogView {
  readonly #store: Store;
  readonly #clock: Clock;
  #snapshot: Snapshot | undefined;
  /** The version of everything when it was last asked for. */
  #seen = 0;
  #loading: Promise<Snapshot> | undefined;
  /** In order of last use. INVARIANT: an entry is used only with the versions and the groups it was made for. */
  readonly #people = new Map<string, Kept>();
  #entries = 0;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async snapshot(): Promise<Snapshot> {
    return (await this.#current()).snapshot;
  }

  async visibleTo(identity: VerifiedIdentity): Promise<readonly VisibleTarget[]> {
    return shown(await this.#keptFor(identity));
  }

  /** Of what somebody may see. What is not on the page is looked at where it lies, and no object is made of it. */
  async searchVisible(identity: VerifiedIdentity, search: CatalogSearch & PageRequest): Promise<Page<VisibleTarget>> {
    const kept = await this.#keptFor(identity);
    const { places, snapshot } = kept;
    const among = { count: places.length, at: (position: number) => snapshot.entries[places[position] ?? 0] };
    const found = searchTargets(among, search, snapshot.ancestors);
    return pageOf(found, search, (position) => visibleAt(kept, position));
  }

  async search(search: CatalogSearch & PageRequest): Promise<Page<SearchedTarget>> {
    const { entries, ancestors } = await this.snapshot();
    const at = (position: number): SearchedTarget | undefined => entries[position];
    return pageOf(searchTargets({ count: entries.length, at }, search, ancestors), search, at);
  }

  async #keptFor(identity: VerifiedIdentity): Promise<Kept> {
    const { snapshot, version } = await this.#current();
    const key = `${identity.user.id} ${[...identity.groupIds].sort().join(' ')}`;
    const kept = this.#people.get(key);
    const now = this.#clock.now();
    if (kept?.version === version && kept.snapshot === snapshot && now < kept.until) {
      this.#people.delete(key);
      this.#people.set(key, kept);
      return kept;
    }
    const grants = await this.#store.now.grants.listFor(identity.user.id, identity.groupIds);
    const view = {
      ...{ userId: identity.user.id, groupIds: identity.groupIds, grants },
      circumstances: { now, address: undefined },
    };
    const all = decideForAll(view, snapshot.index);
    const free = grants.filter((grant) => approvalOf(grant) === undefined);
    const freely = free.length === grants.length ? all : decideForAll({ ...view, grants: free }, snapshot.index);
    const made = { version, snapshot, until: firstEnd(grants, now), ...visibleOf(all, freely) };
    this.#keep(key, made);
    return made;
  }

  /** As of the last snapshot. */
  ancestorsOf({ groupId }: Pick<Target, 'groupId'>): readonly TargetGroupId[] {
    return groupId === undefined ? NONE : (this.#snapshot?.ancestors.get(groupId) ?? NONE);
  }

  /** The targets, and the version of all that decides who sees them. */
  async #current(): Promise<{ readonly snapshot: Snapshot; readonly version: number }> {
    const { all, targets } = await this.#store.now.catalog.versions();
    const now = this.#clock.now();
    const kept = this.#snapshot;
    const isOld = kept !== undefined && all !== this.#seen && now - kept.loadedAt > OLD_MS;
    this.#seen = all;
    if (kept?.version === targets && !isOld) return { snapshot: kept, version: all };
    this.#loading ??= this.#load(targets, now).finally(() => {
      this.#loading = undefined;
    });
    return { snapshot: await this.#loading, version: all };
  }

  #keep(key: string, kept: Kept): void {
    const before = this.#people.get(key);
    this.#people.delete(key);
    this.#people.set(key, kept);
    this.#entries += kept.places.length - (before?.places.length ?? 0);
    for (const [oldest, { places }] of this.#people) {
      if (oldest === key || (this.#people.size <= PEOPLE_KEPT && this.#entries <= ENTRIES_KEPT)) break;
      this.#people.delete(oldest);
      this.#entries -= places.length;
    }
  }

  async #load(version: number, loadedAt: number): Promise<Snapshot> {
    const { catalog } = this.#store.now;
    const [all, groupList] = await Promise.all([catalog.listTargets(), catalog.listGroups()]);
    const targets = all.filter(({ goneAt }) => goneAt === undefined);
    const groups = new Map(groupList.map((group) => [group.id, group]));
    const ancestors = new Map(groupList.map((group) => [group.id, groupAncestors(groups, group.id)]));
    const paths = new Map(
      groupList.map((group) => [
        group.id,
        (ancestors.get(group.id) ?? NONE).map((id) => groups.get(id)?.name ?? '').join(' '),
      ]),
    );
    const haystacks = new Map<string, string>();
    for (const [index, target] of targets.entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) await othersTurn();
      haystacks.set(
        target.id,
        haystackOf(target, target.groupId === undefined ? '' : (paths.get(target.groupId) ?? '')),
      );
    }
    const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
    const ordered = await inOrder(targets, (a, b) => collator.compare(a.name, b.name));
    const index = new TargetIndex(ordered, ancestors);
    const entries = ordered.map((target) => ({ target, haystack: haystacks.get(target.id) ?? '' }));
    const snapshot: Snapshot = { version, loadedAt, targets: ordered, index, entries, groups, ancestors };
    this.#snapshot = snapshot;
    return snapshot;
  }
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sorted as `sort` does, without holding up the event loop: comparing names takes a second for a hundred thousand. */
async function inOrder<T>(items: readonly T[], compare: (a: T, b: T) => number): Promise<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE / 5) {
    runs.push(items.slice(at, at + AT_ONCE / 5).sort(compare));
    await othersTurn();
  }
  while (runs.length > 1) {
    const longer: (readonly T[])[] = [];
    for (let index = 0; index < runs.length; index += 2)
      longer.push(await merged(runs[index] ?? [], runs[index + 1] ?? [], compare));
    runs = longer;
  }
  return runs[0] ?? [];
}

async function merged<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Promise<readonly T[]> {
  const both: T[] = [];
  for (let [left, right] = [0, 0]; both.length < a.length + b.length;) {
    if (both.length % AT_ONCE === AT_ONCE - 1) await othersTurn();
    const [first, second] = [a[left], b[right]];
    if (second === undefined || (first !== undefined && compare(first, second) <= 0)) {
      both.push(first as T);
      left += 1;
    } else {
      both.push(second);
      right += 1;
    }
  }
  return both;
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

/** The shape in which labels stand in what is searched narrows first: reading the labels of every machine takes longer. */
function labelLine(wanted: string): string | undefined {
  // Beyond ASCII, what a letter becomes may depend on the one behind it.
  return /^[\x20-\x7e]+$/u.test(wanted) ? `\n${wanted.toLowerCase()}` : undefined;
}

interface Among {
  readonly count: number;
  readonly at: (position: number) => SearchedTarget | undefined;
}

function testsOf(
  { text = '', groupId, label, ids, protocols }: CatalogSearch,
  ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>,
): readonly ((entry: SearchedTarget) => boolean)[] {
  const tests: ((entry: SearchedTarget) => boolean)[] = [];
  if (label !== undefined) {
    const [line, hasLabel] = [labelLine(label), labelTest(label)];
    tests.push(({ target, haystack }) => (line === undefined || haystack.includes(line)) && hasLabel(target.labels));
  }
  if (groupId !== undefined)
    tests.push(
      ({ target }) => target.groupId !== undefined && (ancestors.get(target.groupId) ?? NONE).includes(groupId),
    );
  if (ids !== undefined) {
    const wanted = new Set(ids.split(','));
    tests.push(({ target }) => wanted.has(target.id));
  }
  if (protocols !== undefined) {
    const wanted = new Set(protocols.split(','));
    tests.push(({ target }) => wanted.has(target.protocol));
  }
  for (const word of text.split(/\s+/u)) if (word !== '') tests.push(({ haystack }) => haystack.includes(word));
  return tests;
}

/** Where the machines are that match, those whose name begins with the text first. Runs over every machine at each keystroke. */
export function searchTargets(
  { count, at }: Among,
  search: CatalogSearch,
  ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>,
): readonly number[] {
  const text = (search.text ?? '').toLowerCase().trim();
  const tests = testsOf({ ...search, text }, ancestors);
  const first: number[] = [];
  const others: number[] = [];
  for (let position = 0; position < count; position += 1) {
    const entry = at(position);
    if (entry === undefined || !tests.every((test) => test(entry))) continue;
    (entry.haystack.startsWith(text) ? first : others).push(position);
  }
  return first.concat(others);
}
