import { type Fault, isFault, toFault } from '../fault/index.ts';
import type { DiscoveryRepository } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import type { DiscoveryChange, ScopeNews } from './scope-news.ts';
import type { CatalogWriter } from './catalog-writer.ts';
import type { Delivery, DiscoverySource, Hint, MachineState, Sighting, SourceRecord } from './discovery-source.ts';
import type { ScopeRecord } from './scope-record.ts';

/** A describe call takes at most so many ids (EC2: 200 values of a filter). */
const MOST_AT_ONCE = 200;
/** For so long after an event an answer that contradicts it counts as older than the event. */
const SETTLES_MS = 60_000;
const RETRY_FIRST_MS = 5_000;
const RETRY_MOST_MS = 900_000;

/** Why an event is not believed: its scope is none of the source, or it says that a machine ended which its cloud shows all the same. */
export type RefusalReason = 'unknown-scope' | 'still-there';

export interface ProcessorParts {
  readonly clock: Clock;
  readonly writer: CatalogWriter;
  /** What was taken in before. */
  readonly inbox: Pick<DiscoveryRepository, 'notedHints'>;
  /** The scopes that may be read; an event of any other is refused. */
  readonly scopes: () => readonly ScopeRecord[];
  readonly refused: (hint: Hint, reason: RefusalReason) => void;
  /** Hears of each message that cannot be read, each time it comes. */
  readonly unreadable: (problem: string) => void;
  /** Hears of each scope whose machines could not be read or taken in; their messages come again. */
  readonly failed: (scope: ScopeRecord, failure: Fault) => void;
  readonly report: (message: string, cause: unknown) => void;
}

export interface ProcessResult {
  readonly done: number;
  readonly retried: number;
  /** Events that were taken in before. */
  readonly copies: number;
  readonly changes: readonly DiscoveryChange[];
  /** Why messages could not be ended; they come again. */
  readonly unended?: Fault;
}

interface Group {
  readonly scope: ScopeRecord;
  readonly hints: readonly Hint[];
}

/** What one look at a group's machines was worth. `again`: hints whose answer was older than they, or that could not be taken in. */
interface Look {
  readonly again: ReadonlySet<Hint>;
  readonly failure?: Fault;
}

/**
 * Looks at the machines that messages name and ends each message: acknowledged, or given back for later. One bad message stops no other. A copy of
 * what was taken in costs no look: the catalog holds an answer that is no older than the event, and what happened since has events of its own.
 */
export async function processDeliveries(
  parts: ProcessorParts,
  subject: {
    readonly record: SourceRecord;
    readonly source: DiscoverySource;
    readonly deliveries: readonly Delivery[];
  },
  signal: AbortSignal,
): Promise<ProcessResult> {
  const { deliveries } = subject;
  const changes: DiscoveryChange[] = [];
  const again = new Set<Hint>();
  const copies = await copiesAmong(parts, subject);
  const groups = groupHints(parts, { deliveries, copies }, again);
  for (const { problem } of deliveries) if (problem !== undefined) parts.unreadable(problem);
  // Clouds are asked side by side; the catalog is written one transaction at a time.
  const looks = groups.map((group) => ({ group, answers: askFor(subject.source, group, signal) }));
  for (const { group, answers } of looks) {
    const look = await takeIn(parts, { ...subject, group, answers, changes });
    for (const hint of look.again) again.add(hint);
    if (look.failure !== undefined) parts.failed(group.scope, look.failure);
  }
  let retried = 0;
  let unended: Fault | undefined;
  await Promise.all(
    deliveries.map(async (delivery) => {
      const isPending = delivery.problem !== undefined || delivery.hints.some((hint) => again.has(hint));
      if (isPending) retried++;
      const end = isPending
        ? delivery.retry(Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (delivery.attempt - 1)))
        : delivery.acknowledge();
      await end.catch((cause: unknown) => {
        parts.report('a message could not be ended, it will come again', cause);
        unended = toFault(cause);
      });
    }),
  );
  const done = deliveries.length - retried;
  return { done, retried, copies: copies.size, changes, ...(unended === undefined ? {} : { unended }) };
}

/** INVARIANT: a database that does not answer makes none of them a copy; a look too many costs a call, one too few a machine. */
async function copiesAmong(
  { inbox, report }: ProcessorParts,
  { record, deliveries }: { readonly record: SourceRecord; readonly deliveries: readonly Delivery[] },
): Promise<ReadonlySet<Hint>> {
  const hints = deliveries.flatMap((delivery) => delivery.hints);
  if (hints.length === 0) return new Set();
  try {
    return await inbox.notedHints(record.id, hints);
  } catch (cause) {
    report('it could not be learnt which events were taken in before, all are looked at', cause);
    return new Set();
  }
}

function groupHints(
  { scopes, refused }: ProcessorParts,
  { deliveries, copies }: { readonly deliveries: readonly Delivery[]; readonly copies: ReadonlySet<Hint> },
  again: Set<Hint>,
): readonly Group[] {
  // INVARIANT: an event of a scope that left the source is refused, as of one that was never in it.
  const active = scopes().filter(({ retiredAt }) => retiredAt === undefined);
  const known = new Map(active.map((scope) => [`${scope.account} ${scope.region}`, scope]));
  const byScope = new Map<ScopeRecord, Hint[]>();
  for (const hint of deliveries.flatMap((delivery) => delivery.hints)) {
    const scope = known.get(`${hint.scope.account} ${hint.scope.region}`);
    if (scope === undefined) {
      refused(hint, 'unknown-scope');
      again.add(hint);
      continue;
    }
    if (copies.has(hint)) continue;
    const hints = byScope.get(scope);
    if (hints === undefined) byScope.set(scope, [hint]);
    else hints.push(hint);
  }
  return [...byScope].map(([scope, hints]) => ({ scope, hints }));
}

/** What the source says of a group's machines, and which were asked for. Failures are thrown where they are taken in. */
async function askFor(
  source: DiscoverySource,
  { scope, hints }: Group,
  signal: AbortSignal,
): Promise<readonly { readonly asked: ReadonlySet<string>; readonly sightings: readonly Sighting[] }[] | Fault> {
  const ids = [...new Set(hints.map(({ nativeId }) => nativeId))];
  const answers = [];
  try {
    for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
      const part = ids.slice(at, at + MOST_AT_ONCE);
      answers.push({ asked: new Set(part), sightings: await source.describe(scope, part, signal) });
    }
    return answers;
  } catch (failure) {
    return toFault(failure);
  }
}

async function takeIn(
  { clock, writer, refused }: ProcessorParts,
  work: {
    readonly record: SourceRecord;
    readonly group: Group;
    readonly answers: ReturnType<typeof askFor>;
    readonly changes: DiscoveryChange[];
  },
): Promise<Look> {
  const { record, group, changes } = work;
  const { scope, hints } = group;
  const again = new Set<Hint>();
  const answers = await work.answers;
  if (isFault(answers)) return { again: new Set(hints), failure: answers };
  let failure: Fault | undefined;
  // A cloud whose clock is ahead makes no later event look old.
  const lastEventAt = Math.min(clock.now(), Math.max(...hints.map(({ at }) => at)));
  for (const { asked, sightings } of answers) {
    const byId = new Map(sightings.map((sighting) => [sighting.nativeId, sighting]));
    const now = clock.now();
    const ofPart = hints.filter(({ nativeId }) => asked.has(nativeId));
    const fresh = ofPart.filter(({ at }) => Math.abs(now - at) < SETTLES_MS);
    const stale = fresh.filter(({ claimed, nativeId }) => isOlder(claimed, byId.get(nativeId)));
    // What else the answer says holds nevertheless: tags may have changed once more since.
    const untagged = fresh.filter(({ claimedTags, nativeId }) => lacksTags(claimedTags, byId.get(nativeId)));
    for (const hint of [...stale, ...untagged]) again.add(hint);
    for (const hint of ofPart)
      if (!again.has(hint) && isContradicted(hint, byId.get(hint.nativeId))) refused(hint, 'still-there');
    const doubted = new Set(stale.map(({ nativeId }) => nativeId));
    const written = await write(writer, {
      source: record,
      scope,
      cause: 'event',
      sightings: sightings.filter(({ nativeId }) => !doubted.has(nativeId)),
      // INVARIANT: noted is what was written: where another event makes the answer doubtful, none of the machine's is.
      hints: ofPart.filter((hint) => !again.has(hint) && !doubted.has(hint.nativeId)),
      ...(lastEventAt > (scope.lastEventAt ?? 0) ? { lastEventAt, eventLagMs: Math.max(0, now - lastEventAt) } : {}),
    });
    changes.push(...written.changes);
    for (const hint of written.failed) again.add(hint);
    failure ??= written.failure;
  }
  return failure === undefined ? { again } : { again, failure };
}

interface Written {
  readonly changes: readonly DiscoveryChange[];
  readonly failed: readonly Hint[];
  readonly failure?: Fault;
}

/** Where it fails, half by half: one machine that cannot be written keeps no other out. */
async function write(writer: CatalogWriter, news: ScopeNews & { readonly hints: readonly Hint[] }): Promise<Written> {
  try {
    return { changes: await writer.write(news), failed: [] };
  } catch (cause) {
    const failure = toFault(cause);
    const ids = [...new Set(news.hints.map(({ nativeId }) => nativeId))];
    if (ids.length < 2 || failure.code === 'STORE_UNAVAILABLE') return { changes: [], failed: news.hints, failure };
    const half = new Set(ids.slice(0, ids.length / 2));
    const partOf = (isFirst: boolean) => ({
      ...news,
      sightings: news.sightings.filter(({ nativeId }) => half.has(nativeId) === isFirst),
      hints: news.hints.filter(({ nativeId }) => half.has(nativeId) === isFirst),
    });
    const one = await write(writer, partOf(true));
    const other = await write(writer, partOf(false));
    return {
      changes: [...one.changes, ...other.changes],
      failed: [...one.failed, ...other.failed],
      failure: one.failure ?? other.failure ?? failure,
    };
  }
}

/** States from which the claimed one is reached: an answer that shows one of them was made before the event. */
const BEFORE: Readonly<Record<MachineState, readonly MachineState[]>> = {
  pending: ['stopped'],
  running: ['pending', 'stopped'],
  stopping: ['running'],
  stopped: ['running', 'stopping'],
  terminated: ['pending', 'running', 'stopping', 'stopped'],
};

function isOlder(claimed: MachineState | undefined, answer: Sighting | undefined): boolean {
  if (claimed === undefined) return false;
  if (answer === undefined) return claimed !== 'terminated';
  return BEFORE[claimed].includes(answer.facts.state);
}

/** An end is final, except where another machine may have the id by now. */
function isContradicted({ claimed }: Hint, answer: Sighting | undefined): boolean {
  if (claimed !== 'terminated' || answer === undefined) return false;
  return answer.facts.state !== 'terminated' && answer.facts.incarnation === undefined;
}

function lacksTags(claimed: Hint['claimedTags'], answer: Sighting | undefined): boolean {
  if (claimed === undefined || answer === undefined) return false;
  const { tags } = answer.facts;
  return Object.entries(claimed).some(([key, value]) => (Object.hasOwn(tags, key) ? tags[key] : undefined) !== value);
}
