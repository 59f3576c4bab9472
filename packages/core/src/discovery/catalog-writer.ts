import type { Store } from '../store/index.ts';
import type { CatalogUpdater } from './catalog-updater.ts';
import type { DiscoveryChange, ScopeNews } from './scope-news.ts';

/** Of one transaction: longer ones would keep everybody else's waiting. */
const MOST_NEWS = 16;

interface Waiting {
  readonly news: ScopeNews;
  readonly written: PromiseWithResolvers<readonly DiscoveryChange[]>;
}

/**
 * Writes what scopes have learnt, one transaction after the other: what comes while one is under way goes together in the next, so that many scopes
 * cost few commits and never meet in two transactions, of which one would be begun anew.
 */
export class CatalogWriter {
  readonly #store: Pick<Store, 'transaction'>;
  readonly #updater: CatalogUpdater;
  readonly #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(store: Pick<Store, 'transaction'>, updater: CatalogUpdater) {
    this.#store = store;
    this.#updater = updater;
  }

  /** Resolves when it is committed. */
  write(news: ScopeNews): Promise<readonly DiscoveryChange[]> {
    const written = Promise.withResolvers<readonly DiscoveryChange[]>();
    this.#waiting.push({ news, written });
    void this.#writeAll();
    return written.promise;
  }

  async #writeAll(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting.length > 0) await this.#writeTogether(this.#waiting.splice(0, MOST_NEWS));
    this.#isWriting = false;
  }

  /** INVARIANT: never throws; who waits hears of it. What fails fails alone: together with others it is tried once. */
  async #writeTogether(all: readonly Waiting[]): Promise<void> {
    try {
      const changes = await this.#store.transaction((tx) =>
        this.#updater.applyAll(
          tx,
          all.map(({ news }) => news),
        ),
      );
      for (const [index, { written }] of all.entries()) written.resolve(changes[index] ?? []);
    } catch (failure) {
      if (all.length > 1) for (const one of all) await this.#writeTogether([one]);
      else for (const { written } of all) written.reject(failure);
    }
  }
}
