import type { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { groupBy } from '../shared/group-by.ts';
import type { Pacer } from '../shared/pacer.ts';
import type { AzureConfig } from './azure-config.ts';
import { toDiscoveryFault } from './azure-fault.ts';
import type { NetworkInterface, PublicAddress, VirtualMachine } from './machine-facts.ts';

const PAGE = 1_000;
/** Two scopes that are listed within this time share one listing. */
const FRESH_MS = 60_000;

/** INVARIANT: every query is ordered by an id, because $skipToken pages an unordered answer with gaps. */
const QUERIES = {
  subscriptions: `resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id = subscriptionId, name, state = tostring(properties.state) | order by id asc`,
  machines: `resources | where type =~ 'microsoft.compute/virtualmachines' | project id = tolower(id), name, location, zones, tags, properties = pack('vmId', properties.vmId, 'hardwareProfile', properties.hardwareProfile, 'storageProfile', pack('osDisk', pack('osType', properties.storageProfile.osDisk.osType), 'imageReference', properties.storageProfile.imageReference), 'extended', pack('instanceView', pack('powerState', properties.extended.instanceView.powerState)), 'provisioningState', properties.provisioningState, 'timeCreated', properties.timeCreated) | order by id asc`,
  interfaces: `resources | where type =~ 'microsoft.network/networkinterfaces' | where isnotempty(properties.virtualMachine.id) | project id = tolower(id), properties = pack('primary', properties.primary, 'virtualMachine', properties.virtualMachine, 'ipConfigurations', properties.ipConfigurations) | order by id asc`,
  publicAddresses: `resources | where type =~ 'microsoft.network/publicipaddresses' | where isnotempty(properties.ipAddress) | project id = tolower(id), properties = pack('ipAddress', properties.ipAddress, 'dnsSettings', properties.dnsSettings) | order by id asc`,
  scaleSets: `resources | where type =~ 'microsoft.compute/virtualmachinescalesets' | where properties.orchestrationMode !~ 'Flexible' | project id = tolower(id) | order by id asc`,
};

const LONGEST_REST_MS = 60_000;

/** How long to ask nothing. https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests */
function restOf(headers: { get(name: string): string | undefined }): number {
  if (headers.get('x-ms-user-quota-remaining') !== '0') return 0;
  const [, hours, minutes, seconds] =
    /^(\d+):(\d+):(\d+)/u.exec(headers.get('x-ms-user-quota-resets-after') ?? '') ?? [];
  return Math.min(
    LONGEST_REST_MS,
    ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1_000,
  );
}

/** Everything below the management group at one time, by subscription. */
export interface Listing {
  /** Read before the first call. */
  readonly at: number;
  /** Names by id: those the identity may see. */
  readonly subscriptions: ReadonlyMap<string, string>;
  readonly machines: ReadonlyMap<string, readonly VirtualMachine[]>;
  /** By the machine's id. */
  readonly interfaces: ReadonlyMap<string, readonly NetworkInterface[]>;
  readonly publicAddresses: ReadonlyMap<string, PublicAddress>;
  /** Ids of sets whose machines Resource Graph does not list (Uniform). */
  readonly scaleSets: ReadonlyMap<string, readonly string[]>;
}

export interface ResourceGraphParts {
  readonly client: ResourceGraphClient;
  readonly config: AzureConfig;
  readonly clock: Clock;
  readonly pacer: Pacer;
}

/** Resource Graph at the scope of a management group. It lags behind Resource Manager by seconds to minutes, and leaves out what the identity may not see. */
export class ResourceGraph {
  readonly #parts: ResourceGraphParts;
  #last: { readonly startedAt: number; readonly listing: Promise<Listing> } | undefined;

  constructor(parts: ResourceGraphParts) {
    this.#parts = parts;
  }

  subscriptions(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return this.#subscriptions(signal);
  }

  /** INVARIANT: only a listing of which every page was read is answered, and a failed one is not kept. */
  listing(signal: AbortSignal): Promise<Listing> {
    const now = this.#parts.clock.monotonicMs();
    if (this.#last === undefined || now - this.#last.startedAt > FRESH_MS) {
      const last = { startedAt: now, listing: this.#read(signal) };
      this.#last = last;
      last.listing.catch(() => {
        if (this.#last === last) this.#last = undefined;
      });
    }
    return this.#last.listing;
  }

  async #read(signal: AbortSignal): Promise<Listing> {
    const at = this.#parts.clock.now();
    const subscriptions = await this.#subscriptions(signal);
    const machines = await this.#all<VirtualMachine>('machines', signal);
    const interfaces = await this.#all<NetworkInterface>('interfaces', signal);
    const publicAddresses = await this.#all<PublicAddress>('publicAddresses', signal);
    const scaleSets = await this.#all<{ readonly id: string }>('scaleSets', signal);
    const ofMachine = ({ properties }: NetworkInterface): string => properties?.virtualMachine?.id?.toLowerCase() ?? '';
    return {
      at,
      subscriptions,
      machines: groupBy(machines, ({ id }) => id.split('/')[2] ?? ''),
      interfaces: groupBy(interfaces, ofMachine),
      publicAddresses: new Map(publicAddresses.map((address) => [address.id, address])),
      scaleSets: groupBy(
        scaleSets.map(({ id }) => id),
        (id) => id.split('/')[2] ?? '',
      ),
    };
  }

  async #subscriptions(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#all<{ readonly id: string; readonly name?: string; readonly state?: string }>(
      'subscriptions',
      signal,
    );
    const { subscriptions: named } = this.#parts.config;
    return new Map(
      rows
        .filter(({ state }) => state !== 'Disabled' && state !== 'Deleted')
        .map(({ id, name }) => {
          const key = id.toLowerCase();
          const given = named.get(key);
          return [key, given === undefined || given === key ? (name ?? key) : given];
        }),
    );
  }

  async #all<Row>(query: keyof typeof QUERIES, signal: AbortSignal): Promise<readonly Row[]> {
    const { client, config, pacer } = this.#parts;
    const call = {
      permission: 'Microsoft.ResourceGraph/resources/read',
      account: config.managementGroup ?? 'the subscriptions',
    };
    const where =
      config.managementGroup === undefined
        ? { subscriptions: [...config.subscriptions.keys()] }
        : { managementGroups: [config.managementGroup] };
    const rows: Row[] = [];
    const passed = new Set<string>();
    let skipToken: string | undefined;
    do {
      await pacer.turn('resource-graph', signal);
      let isCut = false;
      const answer = await client
        .resources(
          {
            ...where,
            query: QUERIES[query],
            options: { resultFormat: 'objectArray', top: PAGE, ...(skipToken === undefined ? {} : { skipToken }) },
          },
          {
            abortSignal: signal,
            onResponse: ({ headers }) => {
              const restMs = restOf(headers);
              if (restMs > 0) pacer.rest('resource-graph', restMs);
              isCut = headers.get('x-ms-tenant-subscription-limit-hit')?.toLowerCase() === 'true';
            },
          },
        )
        .catch((cause: unknown) => {
          signal.throwIfAborted();
          throw toDiscoveryFault(cause, call);
        });
      const page: unknown = answer.data;
      const incomplete = (why: string): Fault =>
        new Fault('DISCOVERY_FAILED', `the listing of ${query} is not complete: ${why}`, { facts: call });
      if (!Array.isArray(page)) throw incomplete('the answer holds no rows');
      if (isCut) throw incomplete('more subscriptions than one query reads; use several sources');
      if (page.length !== answer.count) throw incomplete(`${page.length} rows of ${answer.count}`);
      rows.push(...(page as readonly Row[]));
      skipToken = answer.skipToken === '' ? undefined : answer.skipToken;
      if (skipToken === undefined && answer.resultTruncated === 'true') throw incomplete('the answer was truncated');
      if (skipToken !== undefined && passed.has(skipToken)) throw incomplete('the same page was answered twice');
      if (skipToken !== undefined) passed.add(skipToken);
    } while (skipToken !== undefined);
    return rows;
  }
}
