/** A stand-in of a cloud, or the queue of its events, as a process of its own: what it computes is not the product's. Argument: which of them. */
import { AwsStandIn, EventQueue } from '@enchilada/adapters/discovery-source/aws/testing';

export interface Placed {
  readonly account: string;
  readonly region: string;
  readonly id: string;
  readonly state: 'running' | 'stopped' | 'terminated';
  readonly name: string;
}

export type Ask =
  | { readonly kind: 'roles'; readonly accounts: readonly string[]; readonly externalId: string }
  | { readonly kind: 'put'; readonly machines: readonly Placed[] }
  | { readonly kind: 'calls' }
  | { readonly kind: 'send'; readonly bodies: readonly string[] }
  | { readonly kind: 'depth' };

export interface Answer {
  readonly url?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly calls?: number;
  readonly waiting?: number;
  readonly held?: number;
}

const CODES = { running: 16, stopped: 80, terminated: 48 };

function put(cloud: AwsStandIn, { account, region, id, state, name }: Placed): void {
  const number = Number.parseInt(id.slice(-6), 16);
  cloud.put(account, region, {
    InstanceId: id,
    State: { Code: CODES[state], Name: state },
    LaunchTime: new Date(1_700_000_000_000),
    PrivateIpAddress: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
    PlatformDetails: 'Linux/UNIX',
    InstanceType: 't3.medium',
    ImageId: 'ami-0123456789abcdef0',
    VpcId: 'vpc-0123456789abcdef0',
    SubnetId: 'subnet-0123456789abcdef0',
    Placement: { AvailabilityZone: `${region}a` },
    Tags: [
      { Key: 'Name', Value: name },
      { Key: 'team', Value: `team-${number % 40}` },
      { Key: 'env', Value: ['dev', 'test', 'stage', 'prod'][number % 4] ?? '' },
    ],
  });
}

async function serve(first: Answer, answer: (ask: Ask) => Promise<Answer>): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (ask: Ask) => void answer(ask).then((found) => process.send?.(found)));
  await new Promise<void>((resolve) => process.send?.(first, undefined, {}, () => resolve()));
}

if (process.argv[2] === 'cloud') {
  const cloud = await AwsStandIn.start();
  let calls = 0;
  await serve({ url: cloud.url, environment: cloud.environment }, (ask) => {
    if (ask.kind === 'roles') for (const account of ask.accounts) cloud.roles.set(account, ask.externalId);
    if (ask.kind === 'put') for (const machine of ask.machines) put(cloud, machine);
    calls += cloud.calls.splice(0).length;
    return Promise.resolve({ calls });
  });
} else {
  const queue = await EventQueue.start();
  await serve({ url: queue.url }, async (ask) => {
    if (ask.kind === 'send') await queue.send(...ask.bodies);
    return ask.kind === 'depth' ? queue.depth() : {};
  });
}
