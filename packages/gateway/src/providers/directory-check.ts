import { isFault } from '@enchilada/core/fault';
import type { ExternalIdentity } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';
import type { ProviderPeople } from './provider-people.ts';
import type { OpenProvider, ProviderRegistry } from './provider-registry.ts';

export interface DirectoryCheckParts {
  readonly store: Store;
  readonly registry: ProviderRegistry;
  readonly people: ProviderPeople;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly report: (message: string, cause: unknown) => void;
}

/** So many may go at once without a second thought; of more, at most half. */
const FEW = 5;

/** Asks directories on a timer about everybody they brought: who was disabled there is out here, with what they have open. */
export class DirectoryCheck {
  readonly #parts: DirectoryCheckParts;

  constructor(parts: DirectoryCheckParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { store, registry, clock, everyMs, report } = this.#parts;
    for (const { record, way } of await registry.offered()) {
      if (way !== 'password') continue;
      // The first node to count in an interval asks for all of them.
      const { count } = await store.now.throttle.count(`directory-check:${record.id}`, clock.now(), everyMs);
      if (count > 1) continue;
      try {
        await this.#check(await registry.asking(record.id));
      } catch (failure) {
        if (!isFault(failure, 'PROVIDER_UNAVAILABLE') && !isFault(failure, 'NOT_FOUND')) throw failure;
        report(`the directory ${record.name} could not be asked about its people`, failure);
      }
    }
  }

  /** INVARIANT: a directory that does not answer takes nobody's right away, and neither does one that suddenly knows hardly anybody. */
  async #check({ record, provider }: OpenProvider): Promise<void> {
    if (provider.way !== 'password' || provider.lookUp === undefined) return;
    const { store, people, report } = this.#parts;
    const gone: ExternalIdentity[] = [];
    const known = await store.now.providers.listIdentities(record.id);
    for (const identity of known) {
      const person = await provider.lookUp(identity.subject);
      const verdict = await people.judge(record, { userId: identity.userId, groups: person?.groups ?? [] });
      if (person === undefined || !verdict.isAdmitted) {
        if (!identity.isSuspended) gone.push(identity);
        continue;
      }
      const isSame =
        !identity.isSuspended && [...identity.groups].sort().join('\n') === [...person.groups].sort().join('\n');
      if (!isSame) await people.renew(record, person);
    }
    if (gone.length > FEW && gone.length > known.length / 2) {
      report(
        `the directory ${record.name} no longer knows ${gone.length} of ${known.length} people: nobody was disabled`,
        undefined,
      );
      return;
    }
    for (const identity of gone) await people.suspend(record, identity);
  }
}
