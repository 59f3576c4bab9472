// The stand-in and a queue as a process of their own, with an account that holds machines. Prints, as JSON, the variables that point the suite
// at it, and at the end of its input what it was called for.
import { once } from 'node:events';
import { externalIdOf } from '@enchilada/core/discovery';
import { SOURCE_UNDER_TEST } from './account-under-test.ts';
import { AwsStandIn } from './aws-stand-in.ts';
import { EventQueue } from './event-queue.ts';

const [ACCOUNT, REGION] = ['444444444444', 'eu-central-1'];
const MACHINES = 30;

await using cloud = await AwsStandIn.start();
await using queue = await EventQueue.start();
cloud.regions = ['eu-central-1', 'eu-north-1'];
cloud.instancesPerPage = 10;
cloud.roles.set(ACCOUNT, externalIdOf(SOURCE_UNDER_TEST));
for (let index = 0; index < MACHINES; index++)
  cloud.put(ACCOUNT, REGION, {
    ...{ InstanceId: `i-${index.toString(16).padStart(17, '0')}`, VpcId: 'vpc-1', PrivateIpAddress: `10.0.0.${index}` },
    State: index % 10 === 0 ? { Code: 80, Name: 'stopped' } : { Code: 16, Name: 'running' },
    Tags: [{ Key: 'Name', Value: `machine ${index}` }],
  });
const variables = {
  ...cloud.environment,
  ...{ TEST_AWS_ACCOUNT: ACCOUNT, TEST_AWS_REGION: REGION, TEST_AWS_QUEUE_URL: queue.url },
  TEST_AWS_ENDPOINT: cloud.url,
};
process.stdout.write(`${JSON.stringify(variables)}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
process.stdout.write(`${JSON.stringify([...new Set(cloud.calls.map(({ action }) => action))])}\n`);
