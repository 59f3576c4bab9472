import { isLoopbackAddress, isSameAddress, type OwnService } from '@enchilada/core/access';
import type { Target } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';

interface Located extends OwnService {
  readonly addresses: readonly string[];
}

export interface OwnServicesParts {
  readonly list: () => Promise<readonly OwnService[]>;
  /** Every address of a name. */
  readonly find: (host: string) => Promise<readonly string[]>;
  readonly ownAddresses: () => readonly string[];
}

const KEPT_MS = 15_000;

/** The product's own parts and their addresses, as they were a moment ago. What cannot be asked now stays as it was. */
export class OwnServices {
  readonly #parts: OwnServicesParts;
  #known: readonly Located[] | undefined;
  #freshUntilMs = -Infinity;
  #refreshing: Promise<void> | undefined;

  constructor(parts: OwnServicesParts) {
    this.#parts = parts;
  }

  async refresh(clock: Clock): Promise<void> {
    if (clock.monotonicMs() < this.#freshUntilMs) return;
    this.#refreshing ??= this.#locate()
      .then(() => {
        this.#freshUntilMs = clock.monotonicMs() + KEPT_MS;
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
    await this.#refreshing;
  }

  /**
   * Which of them the target would reach at one of the addresses, or by its name. All addresses of this machine count as one; where they may be dialled
   * at all (`egress.allowLoopback`), only the ports of what listens here are closed.
   */
  at({ host, port }: Pick<Target, 'host' | 'port'>, addresses: readonly string[]): OwnService | undefined {
    const own = this.#parts.ownAddresses();
    const isHere = (address: string): boolean =>
      isLoopbackAddress(address) || own.some((mine) => isSameAddress(mine, address));
    return this.#known?.find((service) => {
      const isPort = service.port === port;
      if (nameOf(service.host) === nameOf(host) && (isPort || service.closes === 'address'))
        return isPort || !service.addresses.some(isHere);
      return addresses.some((address) =>
        service.addresses.some((taken) =>
          isHere(address)
            ? isPort && isHere(taken)
            : isSameAddress(address, taken) && (isPort || service.closes === 'address'),
        ),
      );
    });
  }

  async #locate(): Promise<void> {
    const known = this.#known;
    const listed = await this.#parts.list().catch((cause: unknown) => {
      // INVARIANT: nothing is dialled before it was known once what is ours.
      if (known === undefined) throw cause;
      return known;
    });
    this.#known = await Promise.all(
      listed.map(async (service) => {
        const before = known?.find(({ host }) => host === service.host)?.addresses ?? [];
        // A name that does not resolve now: it is still told apart by itself.
        return { ...service, addresses: await this.#parts.find(service.host).catch(() => before) };
      }),
    );
  }
}

function nameOf(host: string): string {
  return host.normalize('NFKC').replace(/\.+$/u, '').toLowerCase();
}
