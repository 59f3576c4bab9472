import { randomUUID } from 'node:crypto';
import type {
  Delivery,
  DiscoverySource,
  Hint,
  HintQueue,
  MachineFacts,
  NamedScope,
  Scope,
  Sighting,
} from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';

/** One machine of an inventory. */
export interface Entry {
  readonly id: string;
  readonly facts: MachineFacts;
}

/** What inventories are read from; each document is a scope, so that a broken one costs no other. */
export interface Documents {
  /** Names, with something that changes when the content does. */
  list(signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** Undefined: it was taken away, and what it held with it. @throws Fault */
  read(name: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface InventoryParts {
  readonly documents: Documents;
  /** @throws Fault DISCOVERY_FAILED where the text cannot be understood as a whole. */
  readonly parse: (text: string, name: string) => readonly Entry[];
  readonly clock: Clock;
  /** How often the documents are looked at. */
  readonly watchMs: number;
}

const EVERYWHERE = 'all';
const LONGEST_SCOPE = 64;
const MOST_ENTRIES = 100_000;
const PAGE = 1_000;

/** Machines that are written down somewhere. A change of a document is an event; the document is the truth. */
export function inventorySource({ documents, parse, clock, watchMs }: InventoryParts): DiscoverySource {
  const entriesOf = async (name: string, signal: AbortSignal): Promise<ReadonlyMap<string, Entry>> => {
    const text = await documents.read(name, signal);
    if (text === undefined) return new Map();
    const entries = parse(text, name);
    if (entries.length > MOST_ENTRIES)
      throw failed(name, `it names ${entries.length} machines, and ${MOST_ENTRIES} are the most`);
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    if (byId.size < entries.length) {
      const twice = entries.find((entry) => byId.get(entry.id) !== entry);
      throw failed(name, `it names ${JSON.stringify(twice?.id)} twice`);
    }
    return byId;
  };
  /** Scopes hold 64 characters; a longer name keeps its end. */
  const nameOf = async (scope: Scope, signal: AbortSignal): Promise<string> => {
    if (scope.account.length < LONGEST_SCOPE) return scope.account;
    for (const name of (await documents.list(signal)).keys()) if (scopeOf(name).account === scope.account) return name;
    return scope.account;
  };
  const watch = new Watch({ documents, entriesOf, clock, watchMs });
  return {
    scopesEveryMs: Math.max(watchMs, 5_000),
    hints: watch,
    async scopes(signal) {
      return [...(await documents.list(signal)).keys()].map(scopeOf);
    },
    async *scan(scope, signal) {
      const observedAt = clock.now();
      const entries = [...(await entriesOf(await nameOf(scope, signal), signal)).values()];
      for (let at = 0; at === 0 || at < entries.length; at += PAGE)
        yield entries.slice(at, at + PAGE).map((entry) => sightingOf(entry, observedAt));
    },
    async describe(scope, nativeIds, signal) {
      const observedAt = clock.now();
      const entries = await entriesOf(await nameOf(scope, signal), signal);
      return nativeIds.flatMap((id) => {
        const entry = entries.get(id);
        return entry === undefined ? [] : [sightingOf(entry, observedAt)];
      });
    },
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

export function failed(name: string, why: string): Fault {
  return new Fault('DISCOVERY_FAILED', `${name} cannot be read: ${why}`, { facts: { account: name } });
}

function scopeOf(name: string): NamedScope {
  return { account: name.slice(-LONGEST_SCOPE), region: EVERYWHERE, accountName: name };
}

function sightingOf({ id, facts }: Entry, observedAt: number): Sighting {
  return { nativeId: id, observedAt, facts };
}

interface WatchParts {
  readonly documents: Documents;
  readonly entriesOf: (name: string, signal: AbortSignal) => Promise<ReadonlyMap<string, Entry>>;
  readonly clock: Clock;
  readonly watchMs: number;
}

interface Seen {
  readonly fingerprint: string;
  readonly entries: ReadonlyMap<string, string>;
}

/** Compares documents with what they were: what differs is a hint. The first look, at once, hints at nothing: the first listing takes it in. */
class Watch implements HintQueue {
  readonly #parts: WatchParts;
  readonly #seen = new Map<string, Seen>();
  readonly #ready: Delivery[] = [];
  readonly #later = new Set<Disposable>();
  #looking: Promise<void> | undefined;
  #hasLooked = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  async receive(signal: AbortSignal): Promise<readonly Delivery[]> {
    this.#looking ??= this.#look(signal).finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
    return this.#ready.splice(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#later) timer[Symbol.dispose]();
    return Promise.resolve();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { documents, entriesOf, clock, watchMs } = this.#parts;
    // What changes between the first listing and the first look would not be heard of until the next listing.
    if (this.#hasLooked) await pause(clock, watchMs, signal);
    this.#hasLooked = true;
    const listed = await documents.list(signal);
    for (const name of this.#seen.keys()) if (!listed.has(name)) this.#seen.delete(name);
    for (const [name, fingerprint] of listed) {
      const before = this.#seen.get(name);
      if (before?.fingerprint === fingerprint) continue;
      // One that cannot be read now is looked at when it changes again; the listing says what is wrong with it.
      const read = await entriesOf(name, signal).catch(() => undefined);
      signal.throwIfAborted();
      const entries =
        read === undefined
          ? (before?.entries ?? new Map<string, string>())
          : new Map([...read].map(([id, { facts }]) => [id, JSON.stringify(facts)]));
      this.#seen.set(name, { fingerprint, entries });
      if (before === undefined) continue;
      const changed = [...entries].filter(([id, facts]) => before.entries.get(id) !== facts).map(([id]) => id);
      if (changed.length > 0) this.#ready.push(this.#delivery(name, changed, 1));
    }
  }

  #delivery(name: string, ids: readonly string[], attempt: number): Delivery {
    const { clock } = this.#parts;
    const at = clock.now();
    const { account, region } = scopeOf(name);
    const hints = ids.map((nativeId): Hint => ({
      // Never that of another node, which hears of the same change by itself and may read it elsewhere.
      eventId: randomUUID(),
      scope: { account, region },
      nativeId,
      at,
    }));
    return {
      hints,
      attempt,
      acknowledge: () => Promise.resolve(),
      retry: (afterMs) => {
        const timer = clock.after(afterMs, () => {
          this.#later.delete(timer);
          this.#ready.push(this.#delivery(name, ids, attempt + 1));
        });
        this.#later.add(timer);
        return Promise.resolve();
      },
    };
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}
