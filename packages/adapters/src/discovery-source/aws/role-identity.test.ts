// T47: credentials of a role are worth something for the account alone that they were asked for.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { externalIdOf } from '@enchilada/core/discovery';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { aws } from './index.ts';
import { AwsStandIn } from './testing/index.ts';

const [ACCOUNT, OTHER, REGION] = ['111111111111', '222222222222', 'eu-west-1'];
const MACHINE = 'i-0123456789abcdef0';

it('credentials of another account, or of nobody, are used for nothing: nothing is read, and nobody is let in', async () => {
  await using cloud = await AwsStandIn.start();
  Object.assign(process.env, cloud.environment);
  const parameters = { accounts: [ACCOUNT], regions: [REGION], endpoint: cloud.url, callsPerSecond: 1_000 };
  const record = aSource({ kind: 'aws', parameters });
  for (const account of [ACCOUNT, OTHER]) {
    cloud.roles.set(account, externalIdOf(record.id));
    cloud.put(account, REGION, { InstanceId: MACHINE, State: { Code: 16, Name: 'running' } });
  }
  await using source = await aws({ clock }).open(record);
  const { signal } = new AbortController();
  const scope = { account: ACCOUNT, region: REGION };
  const describe = () => source.describe(scope, [MACHINE], signal);
  const letIn = () =>
    source.access?.admitKey(
      { scope, nativeId: MACHINE },
      { username: 'ops', person: 'ada', publicKey: 'ssh-ed25519 A' },
    ) ?? assert.fail();
  cloud.admit = () => assert.fail('somebody was let in');
  for (const [owner, told] of [
    [OTHER, /was answered with credentials of account 222222222222, assumed-role EnchiladaInventoryReader/u],
    ['', /was answered with credentials of nobody/u],
  ] as const) {
    cloud.mixedUp.set(ACCOUNT, owner);
    const facts = { account: ACCOUNT, permission: 'sts:AssumeRole' };
    await assert.rejects(describe(), { code: 'DISCOVERY_DENIED', message: told, facts });
    await assert.rejects(letIn(), { code: 'MACHINE_ACCESS_DENIED', facts });
  }
  assert.deepEqual([...new Set(cloud.calls.map(({ action }) => action))], ['AssumeRole']);
  cloud.mixedUp.clear();
  assert.equal((await describe())[0]?.nativeId, MACHINE);
  let admitted = 0;
  cloud.admit = () => void admitted++;
  await letIn();
  assert.equal(admitted, 1);
});
