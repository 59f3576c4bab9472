import { problemOf, type SourceId, type Trouble, TROUBLE_LASTS_MS, type TroublePart } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';

/** So often a trouble that lasts is said to last. */
const RENEW_MS = TROUBLE_LASTS_MS / 5;

export interface TroublesParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly report: (message: string, cause: unknown) => void;
}

type Known = Pick<Trouble, 'part' | 'account' | 'problem'> & { writtenAt: number };

/**
 * What is wrong with a source as a whole, as this node meets it, for everybody to see. Written where it begins, changes and ends, and renewed while
 * it lasts. What another node met stays until that one says otherwise, or says nothing for long.
 */
export class SourceTroubles {
  readonly #parts: TroublesParts;
  readonly #source: SourceId;
  readonly #known = new Map<string, Known>();
  /** What was well when it was last met. Unknown at first: an earlier run may have left its word. */
  readonly #well = new Set<string>();
  #written: Promise<void> = Promise.resolve();

  constructor(parts: TroublesParts, source: SourceId) {
    this.#parts = parts;
    this.#source = source;
  }

  get count(): number {
    return this.#known.size;
  }

  async failed(part: TroublePart, failure: unknown, account = ''): Promise<void> {
    const key = `${part} ${account}`;
    const problem = problemOf(failure);
    const known = this.#known.get(key);
    this.#well.delete(key);
    if (known?.problem.code === problem.code && known.problem.detail === problem.detail) return this.#renew(known);
    const next = { part, account, problem, writtenAt: -Infinity };
    this.#known.set(key, next);
    await this.#renew(next);
  }

  async well(part: TroublePart, account = ''): Promise<void> {
    const key = `${part} ${account}`;
    if (this.#well.has(key)) return;
    this.#well.add(key);
    this.#known.delete(key);
    await this.#write(key, () => this.#parts.store.now.discovery.clearTrouble(this.#source, { part, account }));
  }

  /** Ends those of a part in every account but these. */
  async onlyIn(part: TroublePart, accounts: ReadonlySet<string>): Promise<void> {
    // Another node may have taken away what this one would say again.
    const written = await this.#parts.store.now.discovery.listTroubles(this.#source);
    for (const one of [...this.#known.values(), ...written])
      if (one.part === part && !accounts.has(one.account)) await this.well(part, one.account);
  }

  /** Says again what lasts. */
  async renew(): Promise<void> {
    for (const known of this.#known.values()) await this.#renew(known);
  }

  async #renew(known: Known): Promise<void> {
    const { store, clock } = this.#parts;
    if (clock.monotonicMs() - known.writtenAt < RENEW_MS) return;
    known.writtenAt = clock.monotonicMs();
    const at = clock.now();
    await this.#write(`${known.part} ${known.account}`, () =>
      store.now.discovery.noteTrouble(this.#source, known, { at, expiredAt: at - TROUBLE_LASTS_MS }),
    );
  }

  /** INVARIANT: one after the other, so that what is written last is what was met last; never throws: what cannot be said stops no work. */
  #write(key: string, work: () => Promise<void>): Promise<void> {
    this.#written = this.#written.then(work).catch((cause: unknown) => {
      // Said again by whatever is met next.
      this.#well.delete(key);
      const known = this.#known.get(key);
      if (known !== undefined) known.writtenAt = -Infinity;
      this.#parts.report('what is wrong with a source could not be written', cause);
    });
    return this.#written;
  }
}
