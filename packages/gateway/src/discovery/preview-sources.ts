import type { DiscoverySource, SourceRecord, SourceType } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import type { PreviewScope } from './preview.ts';

/** Whoever goes on with a preview does so at once. */
const KEPT_MS = 60_000;

/** A source that is open, and what it was last seen to list: whoever goes on with a preview is confined to that. */
export interface OpenedSource {
  readonly source: DiscoverySource;
  readonly listing: { scopes?: readonly PreviewScope[] };
}

interface Kept {
  readonly listing: OpenedSource['listing'];
  readonly opening: Promise<DiscoverySource>;
  users: number;
  closing: Disposable | undefined;
}

/**
 * Sources that are open for previews, from one answer to the next: roles that were assumed, and listings that hold for all scopes,
 * are not asked for again.
 */
export class PreviewSources implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Fault CONFIGURATION_INVALID */
  async take(type: SourceType, record: SourceRecord): Promise<AsyncDisposable & OpenedSource> {
    const key = JSON.stringify([record.id, record.kind, record.parameters]);
    const kept = this.#kept.get(key) ?? { listing: {}, opening: type.open(record), users: 0, closing: undefined };
    this.#kept.set(key, kept);
    kept.users++;
    kept.closing?.[Symbol.dispose]();
    const leave = (): void => {
      kept.users--;
      if (kept.users > 0) return;
      kept.closing = this.#clock.after(KEPT_MS, () => void this.#close(key));
    };
    try {
      const source = await kept.opening;
      return {
        source,
        listing: kept.listing,
        [Symbol.asyncDispose]: () => {
          leave();
          return Promise.resolve();
        },
      };
    } catch (failure) {
      this.#kept.delete(key);
      throw failure;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((key) => this.#close(key)));
  }

  async #close(key: string): Promise<void> {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    kept.closing?.[Symbol.dispose]();
    const source = await kept.opening.catch(() => undefined);
    await source?.[Symbol.asyncDispose]();
  }
}
