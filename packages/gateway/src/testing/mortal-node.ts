import { createHash } from 'node:crypto';
import { chainedLog } from '@enchilada/adapters/audit-log/chained';
import type { AuditLog, AuditRecord } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import type { SettlementRepository, Store, StoreTransaction } from '@enchilada/core/store';
import type { GatewayFixture } from './gateway-fixture.ts';

/** The product's own audit log, as the node of that name writes it. */
export function auditLogOf({ clock }: Pick<GatewayFixture, 'clock'>, store: Store, node: string): AuditLog {
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  return chainedLog({ store, node, clock, sha256, sinks: [], onSinkFailure: () => undefined });
}

/** What the nodes with a chain have written, node by node. */
export async function auditedIn({ now }: Store): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (const node of await now.audit.nodes()) records.push(...(await now.audit.chain(node, 0, 1_000)));
  return records;
}

/** With leases that are over at once, so that nobody has to wait for those of the dead. */
function withoutLeases<T extends StoreTransaction>(repositories: T): T {
  const settlements: SettlementRepository = {
    ...repositories.settlements,
    add: (settlement) => repositories.settlements.add(settlement, -1),
    keep: (id) => repositories.settlements.keep(id, -1),
  };
  return { ...repositories, settlements };
}

/** A node that dies: so many of its steps happen, and none behind them. A transaction is one step: what dies inside it has not happened. */
export class MortalNode {
  readonly store: Store;
  readonly audit: AuditLog;
  #left = Infinity;

  constructor(fixture: Pick<GatewayFixture, 'store' | 'clock'>, name: string) {
    this.store = this.#mortal(fixture.store);
    this.audit = auditLogOf(fixture, this.store, name);
  }

  get isDead(): boolean {
    return this.#left < 0;
  }

  /** Alive again, or for the first time. */
  dieAfter(steps: number): void {
    this.#left = steps;
  }

  #step(): void {
    this.#left -= 1;
    if (this.isDead) throw new Fault('STORE_UNAVAILABLE', 'this node is dead');
  }

  #mortal(store: Store): Store {
    const counted = <T extends object>(whole: T): T =>
      new Proxy(whole, {
        get: (object, name) => {
          const call: unknown = Reflect.get(object, name);
          if (typeof call !== 'function') return call;
          return (...parameters: readonly unknown[]): unknown => {
            this.#step();
            return Reflect.apply(call, object, parameters);
          };
        },
      });
    const counting = (all: StoreTransaction) =>
      new Proxy(withoutLeases(all), { get: (each, name) => counted(Reflect.get(each, name) as object) });
    const [now, urgent] = [counting(store.now), counting(store.urgent)];
    const transaction: Store['transaction'] = (work) => {
      this.#step();
      return store.transaction((tx) => work(withoutLeases(tx)));
    };
    return new Proxy(counted(store), {
      get: (whole, name) =>
        name === 'now'
          ? now
          : name === 'urgent'
            ? urgent
            : name === 'transaction'
              ? transaction
              : (Reflect.get(whole, name) as unknown),
    });
  }
}
