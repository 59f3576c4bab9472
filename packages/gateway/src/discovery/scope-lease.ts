import type { Scope, SourceRecord } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';

/** So soon another node sweeps in place of one that died in the middle. */
const LEASE_MS = 10_000;

export interface ScopeLeaseParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly report: (message: string, cause: unknown) => void;
}

/**
 * One scope is this node's to sweep, and stays so until it is given back. INVARIANT: `lost` is aborted before two nodes sweep one scope
 * knowingly: once the database names another holder, or could not be asked for as long as the lease lasts.
 */
export class ScopeLease implements AsyncDisposable {
  readonly #parts: ScopeLeaseParts;
  readonly #source: SourceRecord['id'];
  readonly #scope: Scope;
  readonly #lost = new AbortController();
  readonly #renewal: Disposable;
  #heldUntil: number;

  private constructor(parts: ScopeLeaseParts, subject: { readonly source: SourceRecord['id']; readonly scope: Scope }) {
    this.#parts = parts;
    this.#source = subject.source;
    this.#scope = subject.scope;
    this.#heldUntil = parts.clock.monotonicMs() + LEASE_MS;
    this.#renewal = parts.clock.every(LEASE_MS / 3, () => void this.#extend());
  }

  /** Undefined where another node has it. */
  static async take(
    parts: ScopeLeaseParts,
    subject: { readonly source: SourceRecord['id']; readonly scope: Scope },
  ): Promise<ScopeLease | undefined> {
    const { store, nodeId } = parts;
    const isTaken = await store.now.discovery.lease(subject.source, subject.scope, { holder: nodeId, forMs: LEASE_MS });
    return isTaken ? new ScopeLease(parts, subject) : undefined;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async #extend(): Promise<void> {
    const { store, clock, nodeId, report } = this.#parts;
    const askedAt = clock.monotonicMs();
    try {
      if (await store.now.discovery.lease(this.#source, this.#scope, { holder: nodeId, forMs: LEASE_MS }))
        this.#heldUntil = askedAt + LEASE_MS;
      else this.#lose('another node has taken the scope over');
    } catch (cause) {
      report('the lease of a scope could not be extended', cause);
      if (clock.monotonicMs() > this.#heldUntil) this.#lose('the database could not be asked whose the scope is');
    }
  }

  #lose(why: string): void {
    this.#lost.abort(new Fault('CONFLICT', why));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#renewal[Symbol.dispose]();
    await this.#parts.store.now.discovery.release(this.#source, this.#scope, this.#parts.nodeId);
  }
}
