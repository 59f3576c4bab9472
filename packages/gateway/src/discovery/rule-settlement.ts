import type { Grant } from '@enchilada/core/access';
import type { CatalogUpdater, SourceRecord } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';
import { type By, named, withdrawnEvents } from '../access/grant-events.ts';
import type { Settlements } from '../settlement/settlements.ts';
import { staleRuleGrants } from './rule-grants.ts';

export interface SettlementParts {
  readonly store: Store;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly updater: CatalogUpdater;
}

/** Brings machines and grants to the rules that were saved and to the sources as they are, whichever node saved them and however far it came. */
export class RuleSettlement {
  readonly #parts: SettlementParts;
  /** What everything was last found to be judged by. */
  #settledFor = '';

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /** Judges every scope that was not judged by these rules, and only then takes away grants: so no session ends for a moment in between. */
  async settle(version: number, by: By): Promise<{ readonly changed: number; readonly withdrawn: readonly Grant[] }> {
    const { store, settlements, updater } = this.#parts;
    let changed = 0;
    const failures: unknown[] = [];
    for (const { id } of await store.now.discovery.listSources())
      for (const scope of await store.now.discovery.listScopes(id))
        try {
          changed += (await store.transaction((tx) => updater.judgeAgain(tx, scope))).length;
        } catch (failure) {
          failures.push(failure);
        }
    const withdrawn = await settlements.write(async (tx) => {
      const saved = await tx.discovery.rules();
      // Somebody saved others meanwhile, by which nothing is judged yet: they settle them.
      if (saved.version !== version) return { result: [], events: [] };
      const stale = await staleRuleGrants(tx, saved.rules);
      const events = withdrawnEvents(await named(tx, stale), by);
      for (const { id } of stale) await tx.grants.delete(id);
      return { result: stale, events };
    });
    // INVARIANT: a scope that cannot be judged keeps no grant alive.
    if (failures.length > 0) throw new AggregateError(failures, 'some machines could not be judged again');
    return { changed, withdrawn };
  }

  /** Finishes what a node saved and could not finish, and what nobody finishes: sources that changed. */
  async catchUp(sources: readonly SourceRecord[]): Promise<void> {
    const { store, clock, nodeId } = this.#parts;
    const { version } = await store.now.discovery.rules();
    const wanted = JSON.stringify([version, sources.map((source) => [source.id, source.version])]);
    if (wanted === this.#settledFor) return;
    const by = { actor: { kind: 'system', name: nodeId }, reason: 'no rule gives it any more' } as const;
    const { changed, withdrawn } = await this.settle(version, by);
    this.#settledFor = wanted;
    if (changed + withdrawn.length > 0) await store.now.commands.post({ kind: 'recheck-all' }, clock.now());
  }
}
