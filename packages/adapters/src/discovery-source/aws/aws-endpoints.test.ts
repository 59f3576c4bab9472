// Each service of AWS may be elsewhere: at a private endpoint, an emulator of one service, or AWS itself.
import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { externalIdOf } from '@enchilada/core/discovery';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { aws } from './index.ts';
import { AwsStandIn, EventQueue, QueueDoor, stateChange } from './testing/index.ts';

const SERVICES = ['EC2', 'STS', 'ORGANIZATIONS', 'EC2_INSTANCE_CONNECT'] as const;
const scope = { account: '111111111111', region: 'eu-west-1' };
const id = 'i-00000000000000001';

after(() => {
  for (const service of SERVICES) Reflect.deleteProperty(process.env, `AWS_ENDPOINT_URL_${service}`);
});

it('every service is called where the node’s environment says, and the queue where its URL says', async () => {
  await using owned = new AsyncDisposableStack();
  const cloud = owned.use(await AwsStandIn.start());
  const queue = owned.use(await EventQueue.start());
  const queueDoor = owned.use(await QueueDoor.before(queue.url));
  Object.assign(process.env, cloud.environment);
  const doors = new Map<string, QueueDoor>();
  for (const service of SERVICES) {
    const door = owned.use(await QueueDoor.before(cloud.url));
    doors.set(service, door);
    process.env[`AWS_ENDPOINT_URL_${service}`] = door.url;
  }
  const parameters = { organization: true, queueUrl: queueDoor.url, callsPerSecond: 1_000 };
  const record = aSource({ kind: 'aws', parameters });
  cloud.accountNames.set(scope.account, 'Payments');
  cloud.roles.set(scope.account, externalIdOf(record.id));
  cloud.put(scope.account, scope.region, {
    ...{ InstanceId: id, State: { Code: 16, Name: 'running' }, PrivateIpAddress: '10.0.0.1' },
  });
  const source = owned.use(await aws({ clock }).open(record));
  const { signal } = new AbortController();
  assert.deepEqual(await source.scopes(signal), [{ ...scope, accountName: 'Payments' }]);
  assert.equal((await source.describe(scope, [id], signal))[0]?.nativeId, id);
  const machine = { scope, nativeId: id };
  await source.access?.admitKey(machine, { username: 'ops', person: 'ada', publicKey: 'ssh-ed25519 AAAA' });
  await queue.send(stateChange({ ...scope, id }, 'running'));
  const [event] = (await source.hints?.receive(signal)) ?? [];
  assert.equal(event?.hints[0]?.nativeId, id);
  const called = [...doors].filter(([, { calls }]) => calls.length > 0).map(([service]) => service);
  assert.deepEqual(called, [...SERVICES]);
  assert.ok(queueDoor.calls.includes('ReceiveMessage'));
  const through = [...doors.values()].reduce((sum, { calls }) => sum + calls.length, 0);
  assert.equal(through, cloud.calls.length, 'and nowhere else');
});
