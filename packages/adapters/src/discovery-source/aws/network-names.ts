import type { Vpc } from '@aws-sdk/client-ec2';
import { NAME_TAG, type Scope, type Sighting } from '@enchilada/core/discovery';
import { type Fault, toFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';

/** Networks are seldom renamed, and each question is one of the two that an account and region may be asked a second. */
const FRESH_MS = 30 * 60_000;
/** What was refused is asked again by the next listing. */
const REFUSED_MS = 9 * 60_000;
/** A trouble that no listing met again is over. */
const SAID_MS = 15 * 60_000;
const IDS_PER_FILTER = 200;

export type DescribeVpcs = (scope: Scope, ids: readonly string[], signal: AbortSignal) => Promise<readonly Vpc[]>;

interface Named {
  /** Undefined where EC2 knows no such network. */
  readonly name: string | undefined;
  readonly at: number;
}

/**
 * What people call VPCs: their tag `Name`. INVARIANT: never stands in the way of a listing. Where names may not be read, machines are
 * known as before, and why is said by `shortfalls`.
 */
export class NetworkNames {
  readonly #clock: Clock;
  readonly #describe: DescribeVpcs;
  /** By scope and id. */
  readonly #names = new Map<string, Named>();
  readonly #refused = new Map<string, { readonly account: string; readonly fault: Fault; readonly at: number }>();

  constructor(clock: Clock, describe: DescribeVpcs) {
    this.#clock = clock;
    this.#describe = describe;
  }

  /** By account. */
  shortfalls(): ReadonlyMap<string, Fault> {
    const now = this.#clock.monotonicMs();
    const lasting = [...this.#refused.values()].filter(({ at }) => now - at < SAID_MS);
    return new Map(lasting.map(({ account, fault }) => [account, fault]));
  }

  /** The sightings with the names of their networks, where they are to be had; empty where a network has none. */
  async named(scope: Scope, sightings: readonly Sighting[], signal: AbortSignal): Promise<readonly Sighting[]> {
    const keyOf = (id: string): string => `${scope.account} ${scope.region} ${id}`;
    const now = this.#clock.monotonicMs();
    const all = new Set(sightings.flatMap(({ facts: { network } }) => network ?? []));
    await this.#learn(
      scope,
      [...all].filter((id) => now - (this.#names.get(keyOf(id))?.at ?? -Infinity) >= FRESH_MS),
      signal,
    );
    return sightings.map((sighting) => {
      const { network } = sighting.facts;
      const known = network === undefined ? undefined : this.#names.get(keyOf(network));
      return known?.name === undefined
        ? sighting
        : { ...sighting, facts: { ...sighting.facts, networkName: known.name } };
    });
  }

  async #learn(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const key = `${scope.account} ${scope.region}`;
    const now = this.#clock.monotonicMs();
    if (ids.length === 0 || now - (this.#refused.get(key)?.at ?? -Infinity) < REFUSED_MS) return;
    try {
      for (let at = 0; at < ids.length; at += IDS_PER_FILTER)
        await this.#take(scope, ids.slice(at, at + IDS_PER_FILTER), signal);
      this.#refused.delete(key);
    } catch (failure) {
      signal.throwIfAborted();
      this.#refused.set(key, { account: scope.account, fault: toFault(failure), at: now });
    }
  }

  async #take(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const at = this.#clock.monotonicMs();
    const found = await this.#describe(scope, ids, signal);
    const names = new Map(
      found.map(({ VpcId = '', Tags = [] }) => [VpcId, Tags.find(({ Key }) => Key === NAME_TAG)?.Value ?? '']),
    );
    for (const id of ids) this.#names.set(`${scope.account} ${scope.region} ${id}`, { name: names.get(id), at });
  }
}
