// What discovery tells somebody at a terminal who did not set it up: names instead of ids, and what to do next, in words that work.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { until } from '@enchilada/core/testing/until';
import { Operator } from './operator.ts';
import { Site } from './site.ts';

const [PAYMENTS, SHOP, REGION] = ['111111111111', '222222222222', 'eu-west-1'];
const SOURCE = "Ada's cloud";
const MACHINES = 20;
const GOING = 15;
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;

const owned = new AsyncDisposableStack();
let cloud: AwsStandIn;
let site: Site;
let operator: Operator;

/** Runs a line that a command printed, with its words as a shell takes them. */
async function runLine(text: string, printed: RegExp) {
  const [, line = assert.fail(`${String(printed)} is not in:\n${text}`)] = printed.exec(text) ?? [];
  const { stdout } = await promisify(execFile)('sh', ['-c', `printf '%s\\n' ${line}`]);
  const [program, ...words] = stdout.trimEnd().split('\n');
  assert.equal(program, 'enchilada');
  return operator.run(...words);
}

before(async () => {
  cloud = owned.use(await AwsStandIn.start());
  for (let index = 1; index <= MACHINES; index++)
    cloud.put(PAYMENTS, REGION, {
      ...{ InstanceId: idOf(index), State: { Code: 16, Name: 'running' }, PrivateIpAddress: `10.0.0.${index}` },
      Tags: [{ Key: 'Name', Value: `web-${index}` }],
    });
  site = owned.use(await Site.start({ environment: cloud.environment }));
  operator = owned.use(await Operator.at(site));
  const { api } = site.admin;
  const accounts = [`${PAYMENTS}=Payments`, `${SHOP}=Shop`];
  const parameters = { accounts, regions: [REGION], endpoint: cloud.url, callsPerSecond: 1_000 };
  const fields = { name: SOURCE, parameters, protectedTags: [] };
  const { id, version, externalId } = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
  for (const account of [PAYMENTS, SHOP]) cloud.roles.set(account, externalId);
  cloud.denied.add(SHOP);
  const off = await operator.run('discovery', 'run', SOURCE);
  assert.equal(off.exitCode, 1);
  assert.match(off.stderr, /Ada's cloud is switched off; enchilada discovery plan .* says what it would do/u);
  await api.updateSource({ params: { id }, body: { ...fields, enabled: true, version } });
  await until(async () => (await api.listSources()).items[0]?.machines === MACHINES);
});
after(() => owned.disposeAsync());

test('an account that refuses is named, with the permission that is missing and where that is printed', async () => {
  await until(async () => (await site.admin.api.listSources()).items[0]?.staleScopes === 1);
  const sources = await operator.run('discovery', 'sources');
  const status = await runLine(sources.stdout, /^What is wrong: (.+)$/mu);
  assert.equal(status.exitCode, 5);
  assert.match(status.stdout, /^Payments +111111111111 +eu-west-1 +20 .* up to date$/mu);
  assert.match(status.stdout, /^Shop \(222222222222\) eu-west-1: DISCOVERY_DENIED: ec2:DescribeInstances /mu);
  assert.match(status.stdout, /^Machines of what is stale stay as they were last known/mu);
  const onboarding = await runLine(status.stdout, /; (enchilada discovery onboarding .+) prints what it needs\.$/mu);
  assert.match(onboarding.stdout, /^enchilada-member\.json$/mu);
  const plan = await operator.run('discovery', 'plan', SOURCE);
  assert.match(plan.stdout, /^Shop \(222222222222\) eu-west-1: DISCOVERY_DENIED: /mu);
});

test('removals that wait are told by name and address, and the line that agrees to them works as it is printed', async () => {
  assert.equal((await operator.run('discovery', 'held')).stdout, 'No removals wait.\n');
  for (let index = 1; index <= GOING; index++) cloud.remove(PAYMENTS, REGION, idOf(index));
  const run = await operator.run('discovery', 'run', SOURCE);
  assert.equal(run.exitCode, 5);
  const held = await runLine(run.stdout, /^Removals wait for you: (.+)$/mu);
  assert.match(
    held.stdout,
    /^Ada's cloud, Payments \(111111111111\) eu-west-1: 15 removals of 20 machines held since/mu,
  );
  const rows = [...held.stdout.matchAll(/^ {2}(web-\d+) +(\S+) +(i-\S+)$/gmu)].map((row) => row.slice(1).join(' '));
  assert.deepEqual(
    rows,
    Array.from({ length: GOING }, (_, index) => `web-${index + 1} 10.0.0.${index + 1} ${idOf(index + 1)}`),
  );
  const elsewhere = await operator.run('discovery', 'accept', SOURCE, 'Shop', REGION, '--count', '15');
  assert.match(
    elsewhere.stderr,
    /nothing waits in Shop eu-west-1; removals wait in Payments \(111111111111\) eu-west-1/u,
  );
  const other = await operator.run('discovery', 'accept', SOURCE, 'Payments', REGION, '--count', '14');
  assert.match(other.stderr, /15 removals are held and not 14; look at them again with enchilada discovery held/u);
  const accepted = await runLine(held.stdout, /They are to go: +(.+)$/mu);
  assert.match(accepted.stdout, /^15 machines removed; 5 left in Payments \(111111111111\) eu-west-1\.$/mu);
  assert.equal((await operator.run('discovery', 'held')).stdout, 'No removals wait.\n');
});

test('a machine that is there is explained, and of one that is not it is said where to look', async () => {
  const there = await operator.run('discovery', 'explain', 'web-20');
  assert.match(there.stdout, /^web-20 was found by Ada's cloud in Payments \(111111111111\) eu-west-1 as i-/mu);
  const gone = await operator.run('discovery', 'explain', 'web-1');
  assert.equal(gone.exitCode, 1);
  const changes = await runLine(gone.stderr, /\. (enchilada discovery changes) says what came and went/u);
  assert.match(changes.stdout, /gone +sweep +web-1 +Ada's cloud +Payments +eu-west-1 +i-0/u);
});
