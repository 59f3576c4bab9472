import type { AuditLog } from '@enchilada/core/audit';
import {
  CatalogUpdater,
  CatalogWriter,
  type Delivery,
  type DiscoverySource,
  processDeliveries,
  type ProcessResult,
  type ProjectionParts,
  type SourceRecord,
  type SourceType,
} from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { Refusals } from './refusals.ts';

export interface EventWorkerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly type: SourceType;
  /** Name or id; undefined where there is one of the kind. */
  readonly source: string | undefined;
  readonly projection: Omit<ProjectionParts, 'rules'>;
  readonly audit: Pick<AuditLog, 'append'>;
  /** In the audit log. */
  readonly name: string;
  readonly report: (message: string, cause: unknown) => void;
}

/** Takes in the events of one source where something else receives them: the nodes list, this one hears. */
export class EventWorker implements AsyncDisposable {
  readonly #parts: EventWorkerParts;
  readonly #refusals: Refusals;
  #opened: { readonly record: SourceRecord; readonly source: DiscoverySource } | undefined;

  constructor(parts: EventWorkerParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts);
  }

  /** @throws Fault CONFIGURATION_INVALID where there is no such source, or it is switched off */
  async take(deliveries: readonly Delivery[], signal: AbortSignal): Promise<ProcessResult> {
    const { store, clock, random, projection, report } = this.#parts;
    const { record, source } = await this.#open();
    const scopes = await store.now.discovery.listScopes(record.id);
    const updater = new CatalogUpdater({ clock, random, projection });
    const result = await processDeliveries(
      {
        clock,
        writer: new CatalogWriter(store, updater),
        inbox: store.now.discovery,
        scopes: () => scopes,
        refused: (hint, reason) => {
          const { scope, nativeId } = hint;
          this.#refusals.refused(record, hint, reason);
          report('an event was refused', { reason, ...scope, machine: nativeId });
        },
        unreadable: (problem) => {
          this.#refusals.unreadable(record, problem);
          report('a message could not be read', problem);
        },
        failed: (scope, failure) => {
          this.#refusals.denied(record, scope, failure);
          report('machines that events name could not be read', failure);
        },
        report,
      },
      { record, source, deliveries },
      signal,
    );
    // What is not awaited stands still when the invocation is over.
    await this.#refusals.settled();
    // Sessions on machines that are gone end on their nodes now.
    if (result.changes.some(({ kind }) => kind === 'gone'))
      await store.now.commands.post({ kind: 'recheck-all' }, clock.now());
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.source[Symbol.asyncDispose]();
  }

  async #open() {
    const { store, type, source: wanted } = this.#parts;
    const sources = (await store.now.discovery.listSources()).filter(
      ({ kind, enabled, id, name }) =>
        kind === type.manifest.kind && enabled && (wanted === undefined || id === wanted || name === wanted),
    );
    const [record, ...others] = sources;
    if (record === undefined || others.length > 0)
      throw new Fault(
        'CONFIGURATION_INVALID',
        `${sources.length} sources that are switched on fit ${wanted ?? 'no name'}: name one in ENCHILADA_SOURCE`,
        { facts: { key: 'ENCHILADA_SOURCE' } },
      );
    if (this.#opened?.record.id === record.id && this.#opened.record.version === record.version) return this.#opened;
    await this.#opened?.source[Symbol.asyncDispose]();
    this.#opened = { record, source: await type.open(record) };
    return this.#opened;
  }
}
