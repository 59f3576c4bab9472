import type { ScopeRecord, Sighting } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';

/** Whoever opens a machine waits no longer for the source's answer. */
export const ANSWER_MS = 5_000;
/** A call that has not been answered by then is given up, and the next who comes begins another. */
const CALL_MS = 30_000;

export interface LooksParts {
  readonly clock: Clock;
  readonly describe: (
    scope: ScopeRecord,
    nativeIds: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly Sighting[]>;
  /** Takes in what was said of one machine; done when it is committed. */
  readonly take: (scope: ScopeRecord, sighting: Sighting) => Promise<void>;
  readonly stopped: AbortSignal;
}

type Asked = PromiseWithResolvers<Sighting | undefined>;

interface Lane {
  /** Since when a call is under way. */
  since: number | undefined;
  asked: ReadonlyMap<string, Asked>;
  next: Map<string, Asked>;
}

/**
 * Looks at machines for people who wait to open them. INVARIANT: one call of a scope at a time, in which all go together who came while the one
 * before was under way: however many people come at once, the source is asked little more often than by one of them.
 */
export class Looks {
  readonly #parts: LooksParts;
  readonly #lanes = new Map<string, Lane>();

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** Undefined where the source does not know the machine. @throws Fault, at once where the source owes an answer for so long that nobody waits for it */
  async look(scope: ScopeRecord, nativeId: string): Promise<Sighting | undefined> {
    const key = `${scope.account} ${scope.region}`;
    const lane: Lane = this.#lanes.get(key) ?? { since: undefined, asked: new Map(), next: new Map() };
    this.#lanes.set(key, lane);
    if (lane.since !== undefined && this.#parts.clock.monotonicMs() - lane.since >= ANSWER_MS)
      throw new Fault('DISCOVERY_FAILED', 'its source owes an answer since earlier looks');
    const known = lane.asked.get(nativeId) ?? lane.next.get(nativeId);
    if (known !== undefined) return known.promise;
    const asked: Asked = Promise.withResolvers();
    lane.next.set(nativeId, asked);
    if (lane.since === undefined) void this.#run(scope, lane);
    return asked.promise;
  }

  /** INVARIANT: never throws; who waits hears of it. */
  async #run(scope: ScopeRecord, lane: Lane): Promise<void> {
    while (lane.next.size > 0) {
      lane.asked = lane.next;
      lane.next = new Map();
      lane.since = this.#parts.clock.monotonicMs();
      try {
        const sightings = await this.#describe(scope, [...lane.asked.keys()]);
        await Promise.all([...lane.asked].map(([id, one]) => this.#answer(scope, one, sightings.get(id))));
      } catch (failure) {
        for (const one of lane.asked.values()) {
          one.promise.catch(() => undefined);
          one.reject(failure);
        }
      }
      lane.since = undefined;
      lane.asked = new Map();
    }
  }

  async #answer(scope: ScopeRecord, one: Asked, sighting: Sighting | undefined): Promise<void> {
    try {
      if (sighting !== undefined) await this.#parts.take(scope, sighting);
      one.resolve(sighting);
    } catch (failure) {
      one.promise.catch(() => undefined);
      one.reject(failure);
    }
  }

  async #describe(scope: ScopeRecord, ids: readonly string[]): Promise<ReadonlyMap<string, Sighting>> {
    const { clock, describe, stopped } = this.#parts;
    const late = new AbortController();
    const given = Promise.withResolvers<never>();
    given.promise.catch(() => undefined);
    using _timer = clock.after(CALL_MS, () => {
      const fault = new Fault('DISCOVERY_FAILED', 'the source did not answer');
      late.abort(fault);
      // For a source that does not heed the signal.
      given.reject(fault);
    });
    const sightings = await Promise.race([
      describe(scope, ids, AbortSignal.any([stopped, late.signal])),
      given.promise,
    ]);
    return new Map(sightings.map((sighting) => [sighting.nativeId, sighting]));
  }
}
