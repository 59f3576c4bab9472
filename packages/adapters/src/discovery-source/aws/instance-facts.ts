import type { Instance } from '@aws-sdk/client-ec2';
import type { MachineFacts, MachineState, Sighting } from '@enchilada/core/discovery';

/** The low byte; the high one is for AWS alone. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html */
const STATES: ReadonlyMap<number, MachineState> = new Map([
  [0, 'pending'],
  [16, 'running'],
  [32, 'terminated'],
  [48, 'terminated'],
  [64, 'stopping'],
  [80, 'stopped'],
]);

/** What DescribeInstances says of one instance; undefined where it lacks an id or has a state that is not known. */
export function sightingOf(instance: Instance, observedAt: number): Sighting | undefined {
  const state = STATES.get((instance.State?.Code ?? -1) & 0xff);
  if (instance.InstanceId === undefined || state === undefined) return undefined;
  const tags: Record<string, string> = {};
  for (const { Key, Value } of instance.Tags ?? []) if (Key !== undefined) tags[Key] = Value ?? '';
  const optional = {
    privateName: instance.PrivateDnsName,
    publicName: instance.PublicDnsName,
    network: instance.VpcId,
    subnet: instance.SubnetId,
    zone: instance.Placement?.AvailabilityZone,
    image: instance.ImageId,
    size: instance.InstanceType,
    launchedAt: instance.LaunchTime?.getTime(),
  };
  const facts: MachineFacts = {
    name: tags['Name'] ?? '',
    platform:
      instance.Platform?.toLowerCase() === 'windows' || instance.PlatformDetails?.startsWith('Windows') === true
        ? 'windows'
        : 'linux',
    state,
    privateAddresses: privateAddressesOf(instance),
    publicAddresses: instance.PublicIpAddress === undefined ? [] : [instance.PublicIpAddress],
    tags,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined && value !== '')),
  };
  return { nativeId: instance.InstanceId, observedAt, facts };
}

/** The primary address first, then those of further interfaces in their order; IPv6 last. */
function privateAddressesOf(instance: Instance): readonly string[] {
  const interfaces = [...(instance.NetworkInterfaces ?? [])].sort(
    (a, b) => (a.Attachment?.DeviceIndex ?? 99) - (b.Attachment?.DeviceIndex ?? 99),
  );
  const all = [
    instance.PrivateIpAddress,
    ...interfaces.flatMap(({ PrivateIpAddresses = [] }) => PrivateIpAddresses.map((entry) => entry.PrivateIpAddress)),
    ...interfaces.flatMap(({ Ipv6Addresses = [] }) => Ipv6Addresses.map((entry) => entry.Ipv6Address)),
  ];
  return [...new Set(all.filter((address) => address !== undefined && address !== ''))] as readonly string[];
}
