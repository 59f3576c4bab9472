import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { externalIdOf } from '@enchilada/core/discovery';
import { Secret } from '@enchilada/core/credential';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { aws } from './index.ts';
import { CONNECT_ACTIONS, NODE_ACTIONS, onboarding, QUEUE_ACTIONS, READER_ACTIONS } from './onboarding.ts';
import { AwsStandIn, EventQueue, stateChange } from './testing/index.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const MACHINE = 'i-0123456789abcdef0';

/** Passes requests on and notes which calls they are. */
async function listenBefore(server: string, seen: Set<string>) {
  const passing = createServer((request, response) => {
    void (async () => {
      const target = String(request.headers['x-amz-target']);
      // A batch needs the permission of the single call.
      seen.add(`sqs:${(target.split('.')[1] ?? '').replace(/Batch$/u, '')}`);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await fetch(new URL(request.url ?? '/', server), {
        method: 'POST',
        headers: { 'content-type': String(request.headers['content-type']), 'x-amz-target': target },
        body: Buffer.concat(chunks),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => passing.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(passing.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      passing.closeAllConnections();
      await new Promise((resolve) => passing.close(resolve));
    },
  };
}

it('the roles of the templates have the permissions that are used, and no other', async () => {
  await using cloud = await AwsStandIn.start();
  await using queue = await EventQueue.start();
  const queueCalls = new Set<string>();
  await using door = await listenBefore(queue.url, queueCalls);
  Object.assign(process.env, cloud.environment);
  const queueUrl = `${door.url}${new URL(queue.url).pathname}`;
  const parameters = { organization: true, endpoint: cloud.url, queueUrl, homeRegion: REGION, callsPerSecond: 1_000 };
  const record = aSource({ kind: 'aws', parameters });
  cloud.roles.set(ACCOUNT, externalIdOf(record.id));
  cloud.accountNames.set(ACCOUNT, 'Payments');
  cloud.put(ACCOUNT, REGION, { InstanceId: MACHINE, VpcId: 'vpc-1', State: { Code: 16, Name: 'running' } });
  const { signal } = new AbortController();
  await using source = await aws({ clock }).open(record);
  const [scope] = await source.scopes(signal);
  assert.ok(scope !== undefined && source.access !== undefined && source.hints !== undefined);
  await source.describe(scope, [MACHINE], signal);
  const machine = { scope, nativeId: MACHINE };
  await source.access.admitKey(machine, { username: 'ec2-user', person: 'ada', publicKey: 'ssh-ed25519 AAAA' });
  const opening = { person: 'ada', privateKey: new Secret('') };
  await assert.rejects(source.access.launchPassword(machine, opening), { code: 'LAUNCH_PASSWORD_MISSING' });
  await queue.send(
    stateChange({ ...scope, id: MACHINE }, 'running'),
    stateChange({ ...scope, id: MACHINE }, 'stopped'),
  );
  for (let ended = 0; ended < 2;)
    for (const delivery of await source.hints.receive(signal))
      await (ended++ === 0 ? delivery.retry(60_000) : delivery.acknowledge());

  const usedBy = (role: string | undefined): readonly string[] =>
    [
      ...new Set(cloud.calls.filter((call) => call.role === role).map(({ service, action }) => `${service}:${action}`)),
    ].sort();
  assert.deepEqual([...READER_ACTIONS], usedBy('EnchiladaInventoryReader'));
  assert.deepEqual([...CONNECT_ACTIONS].sort(), usedBy('EnchiladaConnect'));
  assert.deepEqual([...NODE_ACTIONS], usedBy(undefined));
  assert.deepEqual([...QUEUE_ACTIONS], [...queueCalls].sort());

  const [hub, member] = onboarding(record).map(({ text }) => text);
  const actionsIn = (template = ''): readonly string[] => [
    ...new Set(template.match(/"(?:sts|sqs|ec2|events|organizations|ec2-instance-connect):\w+"/gu)),
  ];
  const named = (actions: readonly string[]): readonly string[] => actions.map((action) => `"${action}"`).sort();
  const bus = ['events:PutEvents', 'sqs:SendMessage'];
  // The condition sts:ExternalId is no action.
  const inMember = actionsIn(member).filter((action) => action !== '"sts:ExternalId"');
  assert.deepEqual([...actionsIn(hub)].sort(), named([...NODE_ACTIONS, ...QUEUE_ACTIONS, ...bus]));
  assert.deepEqual(
    inMember.sort(),
    named([...READER_ACTIONS, ...CONNECT_ACTIONS, 'events:PutEvents', 'sts:AssumeRole']),
  );
  assert.ok(member?.includes(externalIdOf(record.id)));
  assert.ok((member?.length ?? 0) < 51_200, 'a StackSet takes it inline');
});
