import type { MachineFacts, MachineState, Sighting } from '@enchilada/core/discovery';
import { nameOf, type ResourceId } from './resource-id.ts';

/** The parts of a virtual machine that both Resource Manager and Resource Graph tell, and how they tell them. */
export interface VirtualMachine {
  readonly id: string;
  readonly name?: string;
  readonly location?: string;
  readonly zones?: readonly string[] | null;
  readonly tags?: Readonly<Record<string, string>> | null;
  readonly properties?: {
    readonly vmId?: string;
    readonly hardwareProfile?: { readonly vmSize?: string } | null;
    readonly storageProfile?: {
      readonly osDisk?: { readonly osType?: string } | null;
      readonly imageReference?: ImageReference | null;
    } | null;
    readonly networkProfile?: { readonly networkInterfaces?: readonly InterfaceReference[] | null } | null;
    readonly instanceView?: {
      readonly statuses?: readonly { readonly code?: string }[] | null;
      readonly powerState?: { readonly code?: string } | null;
    } | null;
    readonly extended?: { readonly instanceView?: { readonly powerState?: { readonly code?: string } | null } | null };
    readonly provisioningState?: string;
    readonly timeCreated?: string;
  };
}

export interface InterfaceReference {
  readonly id?: string;
  readonly properties?: { readonly primary?: boolean } | null;
}

interface ImageReference {
  readonly id?: string;
  readonly publisher?: string;
  readonly offer?: string;
  readonly sku?: string;
}

/** https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/get */
export interface NetworkInterface {
  readonly id: string;
  readonly properties?: {
    /** Resource Graph may answer 0 and 1. */
    readonly primary?: boolean | number | null;
    readonly virtualMachine?: { readonly id?: string } | null;
    readonly ipConfigurations?: readonly IpConfiguration[] | null;
  };
}

interface IpConfiguration {
  readonly properties?: {
    readonly primary?: boolean | number | null;
    readonly privateIPAddress?: string;
    readonly publicIPAddress?: { readonly id?: string } | null;
    readonly subnet?: { readonly id?: string } | null;
  };
}

export interface PublicAddress {
  readonly id: string;
  readonly properties?: { readonly ipAddress?: string; readonly dnsSettings?: { readonly fqdn?: string } | null };
}

export interface Network {
  readonly interfaces: readonly NetworkInterface[];
  /** By lower-case id. */
  readonly publicAddresses: ReadonlyMap<string, PublicAddress>;
}

const STATES: Readonly<Record<string, MachineState | undefined>> = {
  'powerstate/starting': 'pending',
  'powerstate/running': 'running',
  'powerstate/stopping': 'stopping',
  'powerstate/deallocating': 'stopping',
  'powerstate/stopped': 'stopped',
  'powerstate/deallocated': 'stopped',
};

export function sightingOf(
  machine: VirtualMachine,
  network: Network,
  seen: { readonly as: ResourceId; readonly at: number },
): Sighting {
  const { properties = {} } = machine;
  const interfaces = [...network.interfaces].sort((a, b) => Number(isPrimary(b)) - Number(isPrimary(a)));
  const configurations = interfaces.flatMap(({ properties: of }) =>
    [...(of?.ipConfigurations ?? [])].sort((a, b) => Number(isPrimary(b)) - Number(isPrimary(a))),
  );
  const privateAddresses = configurations.map((one) => one.properties?.privateIPAddress);
  const publics = configurations.map((one) =>
    network.publicAddresses.get(one.properties?.publicIPAddress?.id?.toLowerCase() ?? ''),
  );
  const subnet = configurations[0]?.properties?.subnet?.id;
  const { location, zones } = machine;
  const zone = zones?.[0];
  const launchedAt = Date.parse(properties.timeCreated ?? '');
  const optional = {
    publicName: publics.find((one) => one?.properties?.dnsSettings?.fqdn)?.properties?.dnsSettings?.fqdn,
    region: location?.toLowerCase(),
    network: /\/virtualnetworks\/([^/]+)\//iu.exec(subnet ?? '')?.[1],
    subnet: nameOf(subnet),
    zone: zone === undefined || location === undefined ? undefined : `${location.toLowerCase()}-${zone}`,
    image: imageOf(properties.storageProfile?.imageReference ?? {}),
    size: properties.hardwareProfile?.vmSize,
    launchedAt: Number.isNaN(launchedAt) ? undefined : launchedAt,
    incarnation: properties.vmId?.toLowerCase(),
  };
  const facts: MachineFacts = {
    name: machine.name ?? seen.as.name,
    platform: properties.storageProfile?.osDisk?.osType?.toLowerCase() === 'windows' ? 'windows' : 'linux',
    state: stateOf(properties),
    privateAddresses: known([...ipv4First(privateAddresses)]),
    publicAddresses: known(publics.map((one) => one?.properties?.ipAddress)),
    tags: machine.tags ?? {},
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined && value !== '')),
  };
  return { nativeId: seen.as.id, observedAt: seen.at, facts };
}

/** One that Resource Manager does not know. What it was is kept by whoever knew it. */
export function goneSighting({ id, name }: ResourceId, observedAt: number): Sighting {
  const facts: MachineFacts = {
    name,
    platform: 'linux',
    state: 'terminated',
    privateAddresses: [],
    publicAddresses: [],
    tags: {},
  };
  return { nativeId: id, observedAt, facts };
}

/** The one interface of a machine that has only one is not always marked. */
function isPrimary(part: { readonly properties?: { readonly primary?: boolean | number | null } | null }): boolean {
  return Boolean(part.properties?.primary);
}

function known(addresses: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(addresses.filter((address) => address !== undefined && address !== ''))] as readonly string[];
}

function ipv4First(addresses: readonly (string | undefined)[]): readonly (string | undefined)[] {
  return [...addresses].sort((a, b) => Number(a?.includes(':') ?? false) - Number(b?.includes(':') ?? false));
}

function stateOf({
  instanceView,
  extended,
  provisioningState,
}: NonNullable<VirtualMachine['properties']>): MachineState {
  const codes = [
    extended?.instanceView?.powerState?.code,
    instanceView?.powerState?.code,
    ...(instanceView?.statuses ?? []).map(({ code }) => code),
  ];
  for (const code of codes) {
    const state = STATES[code?.toLowerCase() ?? ''];
    if (state !== undefined) return state;
  }
  return provisioningState === 'Deleting' ? 'stopping' : 'pending';
}

/** `publisher:offer:sku`, or the name of an image of one's own. */
function imageOf({ id, publisher, offer, sku }: ImageReference): string | undefined {
  if (publisher !== undefined && publisher !== '') return [publisher, offer, sku].join(':');
  return id === undefined ? undefined : /\/images\/(.+)$/iu.exec(id)?.[1];
}
