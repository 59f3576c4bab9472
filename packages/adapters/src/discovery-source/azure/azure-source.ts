import type { TokenCredential } from '@azure/identity';
import type { DiscoverySource, NamedScope, Scope, Sighting, SourceType } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { groupBy } from '../shared/group-by.ts';
import { identityOf } from '../../shared/azure/node-identity.ts';
import { Pacer, Turns } from '../shared/pacer.ts';
import { type AzureConfig, manifest, readConfig } from './azure-config.ts';
import { ALL_REGIONS } from './event.ts';
import {
  goneSighting,
  type Network,
  type NetworkInterface,
  type PublicAddress,
  sightingOf,
  type VirtualMachine,
} from './machine-facts.ts';
import { onboarding } from './onboarding.ts';
import { queueHints } from './queue-hints.ts';
import { type Listing, ResourceGraph } from './resource-graph.ts';
import { readResourceId, type ResourceId } from './resource-id.ts';
import { ResourceManager } from './resource-manager.ts';

/** Resource Graph may be so much older than Resource Manager, whose answers therefore stand against it for as long. */
const GRAPH_LAG_MS = 3 * 60_000;
const READS_AT_ONCE = 8;

/** Virtual machines and scale sets of many subscriptions. Permissions: docs/discovering-machines.md. */
export function azure({ clock }: { readonly clock: Clock }): SourceType {
  // A preview asks the same subscriptions as the source that runs, within the same limits.
  const turns = new Turns();
  return {
    manifest,
    onboarding,
    shareAmong(nodes) {
      turns.nodes = nodes;
    },
    async open({ parameters }) {
      const config = readConfig(parameters);
      if ((config.managementGroup === undefined) === (config.subscriptions.size === 0))
        throw new Fault('CONFIGURATION_INVALID', 'name a management group, or subscriptions, and not both', {
          facts: { key: 'managementGroup' },
        });
      // INVARIANT: the SDK is loaded only where a source needs it.
      const [identity, graph, pipeline] = await Promise.all([
        import('@azure/identity'),
        import('@azure/arm-resourcegraph'),
        import('@azure/core-rest-pipeline'),
      ]);
      const credential = identityOf(identity, config);
      const pacer = new Pacer(clock, config.callsPerSecond, turns);
      const client = new graph.ResourceGraphClient(credential, {
        endpoint: config.endpoint,
        credentials: { scopes: [config.tokenScope] },
        retryOptions: { maxRetries: 5 },
      });
      return new AzureSource({
        config,
        clock,
        hints: await hintsOf(config, credential, clock),
        graph: new ResourceGraph({ client, config, clock, pacer }),
        manager: new ResourceManager({ pipeline, credential, config, clock, pacer }),
      });
    },
  };
}

async function hintsOf({ queueUrl }: AzureConfig, credential: TokenCredential, clock: Clock) {
  if (queueUrl === undefined) return undefined;
  const { QueueClient } = await import('@azure/storage-queue');
  const queue = new QueueClient(queueUrl, credential);
  return queueHints({ queue, poison: new QueueClient(`${queueUrl}-poison`, credential), clock });
}

interface AzureParts {
  readonly config: AzureConfig;
  readonly clock: Clock;
  readonly hints: DiscoverySource['hints'];
  readonly graph: ResourceGraph;
  readonly manager: ResourceManager;
}

class AzureSource implements DiscoverySource {
  readonly #parts: AzureParts;
  readonly hints: DiscoverySource['hints'];
  /** Resource Graph answers what may be seen. */
  readonly hidesScopes = true;

  constructor(parts: AzureParts) {
    this.#parts = parts;
    this.hints = parts.hints;
  }

  async scopes(signal: AbortSignal): Promise<readonly NamedScope[]> {
    const { config, graph } = this.#parts;
    const seen = await graph.subscriptions(signal);
    // One that is named and cannot be seen is shown, so that its failure can be.
    const all = new Map([...config.subscriptions, ...seen]);
    return [...all].map(([account, accountName]) => ({ account, region: ALL_REGIONS, accountName }));
  }

  async *scan({ account }: Scope, signal: AbortSignal): AsyncIterable<readonly Sighting[]> {
    const listing = await this.#parts.graph.listing(signal);
    // INVARIANT: Resource Graph leaves out what we may not see without an error; that is no empty subscription.
    if (!listing.subscriptions.has(account))
      throw new Fault(
        'DISCOVERY_DENIED',
        `the identity cannot see the subscription ${account}, or it was moved or disabled`,
        {
          facts: { account, permission: 'Microsoft.Compute/virtualMachines/read' },
        },
      );
    yield this.#listed(listing, account);
    for (const set of listing.scaleSets.get(account) ?? []) yield await this.#scaleSet(set, signal);
  }

  async describe({ account }: Scope, nativeIds: readonly string[], signal: AbortSignal): Promise<readonly Sighting[]> {
    const ids = nativeIds.flatMap((id) => {
      const read = readResourceId(id);
      return read?.subscription === account ? [read] : [];
    });
    const sightings: Sighting[] = [];
    const sets = groupBy(ids, ({ kind, id }) => (kind === 'machine' ? '' : (id.split('/virtualmachines/')[0] ?? '')));
    const single = sets.get('') ?? [];
    for (let at = 0; at < single.length; at += READS_AT_ONCE)
      sightings.push(
        ...(await Promise.all(single.slice(at, at + READS_AT_ONCE).map((id) => this.#machine(id, signal)))),
      );
    for (const [set, wanted] of sets) {
      if (set === '') continue;
      const observedAt = this.#parts.clock.now();
      const all = await this.#scaleSet(set, signal);
      sightings.push(...all);
      const there = new Set(all.map(({ nativeId }) => nativeId));
      for (const one of wanted)
        if (one.kind === 'scale-set-machine' && !there.has(one.id)) sightings.push(goneSighting(one, observedAt));
    }
    return sightings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hints?.[Symbol.asyncDispose]();
  }

  #listed({ at, machines, interfaces, publicAddresses }: Listing, account: string): readonly Sighting[] {
    return (machines.get(account) ?? []).flatMap((machine) => {
      const as = readResourceId(machine.id);
      if (as === undefined) return [];
      const network = { interfaces: interfaces.get(as.id) ?? [], publicAddresses };
      return [sightingOf(machine, network, { as, at: at - GRAPH_LAG_MS })];
    });
  }

  async #machine(as: ResourceId, signal: AbortSignal): Promise<Sighting> {
    const { manager, clock } = this.#parts;
    const at = clock.now();
    const machine = await manager.machine(as.id, signal);
    if (machine === undefined) return goneSighting(as, at);
    return sightingOf(machine, await this.#network(machine, signal), { as, at });
  }

  async #network(machine: VirtualMachine, signal: AbortSignal): Promise<Network> {
    const { manager } = this.#parts;
    const references = machine.properties?.networkProfile?.networkInterfaces ?? [];
    const known = references.flatMap(({ id }) => id ?? []);
    const read = await Promise.all(known.map((id) => manager.networkInterface(id, signal)));
    const interfaces = read.filter((one) => one !== undefined);
    const ids = interfaces.flatMap(({ properties }) =>
      (properties?.ipConfigurations ?? []).flatMap((one) => one.properties?.publicIPAddress?.id ?? []),
    );
    const addresses = await Promise.all(ids.map((id) => manager.publicAddress(id, signal)));
    const publicAddresses = new Map<string, PublicAddress>();
    for (const address of addresses) if (address !== undefined) publicAddresses.set(address.id.toLowerCase(), address);
    return { interfaces, publicAddresses };
  }

  /** The machines of a Uniform set; none where it is Flexible, whose machines are listed as such, or gone. */
  async #scaleSet(set: string, signal: AbortSignal): Promise<readonly Sighting[]> {
    const { manager, clock } = this.#parts;
    const at = clock.now();
    const machines = await manager.scaleSetMachines(set, signal);
    if (machines.length === 0) return [];
    const interfaces = groupBy(await manager.scaleSetInterfaces(set, signal), ownerOf);
    return machines.flatMap((machine) => {
      const as = readResourceId(machine.id);
      if (as?.kind !== 'scale-set-machine') return [];
      const network = { interfaces: interfaces.get(as.id) ?? [], publicAddresses: new Map() };
      return [sightingOf(machine, network, { as, at })];
    });
  }
}

function ownerOf({ properties }: NetworkInterface): string {
  return properties?.virtualMachine?.id?.toLowerCase() ?? '';
}
