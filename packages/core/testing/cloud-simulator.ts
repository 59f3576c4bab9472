import type {
  DiscoverySource,
  ListedScope,
  MachineFacts,
  MachineState,
  NamedScope,
  Scope,
  Sighting,
} from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';

export interface SimulatedMachine {
  readonly nativeId: string;
  readonly scope: Scope;
  readonly facts: MachineFacts;
}

/**
 * A cloud in memory, to prove the reconciliation: it answers as clouds do, all pages or a failure, and can be told to fail or to lie
 * in the ways clouds have. It proves nothing about a real cloud's API; the adapters' own tests do.
 */
export class CloudSimulator implements DiscoverySource {
  hints: DiscoverySource['hints'];
  readonly machines = new Map<string, SimulatedMachine>();
  /** What it says its scopes are. */
  listed: readonly ListedScope[];
  hidesScopes?: true;
  readonly #now: () => number;
  pageSize = 100;
  /** Thrown by the page with this number, counted from 0, in the scope. */
  failure: { readonly page: number; readonly fault: Fault; readonly account?: string } | undefined;
  /** The listing of the scope ends without an error and without these machines, as a degraded API does. */
  hidden: ReadonlySet<string> = new Set();
  calls = 0;

  constructor(scopes: readonly NamedScope[], now: () => number) {
    this.listed = scopes;
    this.#now = now;
  }

  put(scope: Scope, nativeId: string, facts: Partial<MachineFacts> = {}): void {
    const before = this.machines.get(nativeId)?.facts;
    const standard: MachineFacts = {
      name: nativeId,
      platform: 'linux',
      state: 'running',
      privateAddresses: ['10.0.0.1'],
      publicAddresses: [],
      tags: {},
    };
    this.machines.set(nativeId, { nativeId, scope, facts: { ...standard, ...before, ...facts } });
  }

  state(nativeId: string, state: MachineState): void {
    const machine = this.machines.get(nativeId);
    if (machine !== undefined) this.put(machine.scope, nativeId, { state });
  }

  scopes(): Promise<readonly ListedScope[]> {
    return Promise.resolve(this.listed);
  }

  async *scan(scope: Scope): AsyncIterable<readonly Sighting[]> {
    const all = this.#of(scope).filter(
      ({ nativeId, facts }) => facts.state !== 'terminated' && !this.hidden.has(nativeId),
    );
    for (let page = 0; page === 0 || page * this.pageSize < all.length; page++) {
      this.#failAt(page, scope);
      const observedAt = this.#now();
      await Promise.resolve();
      yield all
        .slice(page * this.pageSize, (page + 1) * this.pageSize)
        .map(({ nativeId, facts }) => ({ nativeId, facts, observedAt }));
    }
  }

  describe(scope: Scope, nativeIds: readonly string[]): Promise<readonly Sighting[]> {
    this.#failAt(0, scope);
    const observedAt = this.#now();
    const wanted = new Set(nativeIds);
    const found = this.#of(scope).filter(({ nativeId }) => wanted.has(nativeId) && !this.hidden.has(nativeId));
    return Promise.resolve(found.map(({ nativeId, facts }) => ({ nativeId, facts, observedAt })));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #of({ account, region }: Scope): readonly SimulatedMachine[] {
    return [...this.machines.values()].filter(({ scope }) => scope.account === account && scope.region === region);
  }

  #failAt(page: number, scope: Scope): void {
    this.calls++;
    const { failure } = this;
    if (failure?.page === page && (failure.account === undefined || failure.account === scope.account))
      throw failure.fault;
  }
}
