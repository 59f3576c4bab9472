import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AzureStandIn, EventQueue, message, notification } from '@enchilada/adapters/discovery-source/azure/testing';
import { freePort } from '@enchilada/core/testing/free-port';
import { until } from '@enchilada/core/testing/until';
import type { Ran } from '../fixtures/command.ts';
import { Operator } from './operator.ts';
import { Site } from './site.ts';

const SUBSCRIPTION = '11111111-1111-1111-1111-111111111111';
const idOf = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/${name}`;

const owned = new AsyncDisposableStack();
let cloud: AzureStandIn;
let queue: EventQueue;
let site: Site;
let operator: Operator;
let metricsPort: number;

before(async () => {
  cloud = owned.use(await AzureStandIn.start());
  cloud.certificate.trust();
  cloud.subscriptions.set(SUBSCRIPTION, 'Payments');
  queue = owned.use(await EventQueue.start(cloud.certificate));
  metricsPort = await freePort();
  site = owned.use(
    await Site.start({ environment: cloud.environment, config: `metrics: { listen: "127.0.0.1:${metricsPort}" }\n` }),
  );
  operator = owned.use(await Operator.at(site));
});
after(() => owned.disposeAsync());

const enchilada = (...words: readonly string[]): Promise<Ran> => operator.run(...words);
const json = (...words: readonly string[]): Promise<Record<string, unknown>> => operator.json(...words);
const put = (name: string, osType: 'Linux' | 'Windows'): void => {
  const instanceView = { statuses: [{ code: 'PowerState/running' }] };
  cloud.put(
    {
      id: idOf(name),
      name,
      location: 'westeurope',
      tags: { team: 'x' },
      properties: { instanceView, storageProfile: { osDisk: { osType } } },
    },
    '10.1.0.4',
  );
};

test('a subscription is planned, switched on and followed by its events, and an operator sees all of it on the command line', async () => {
  put('web-1', 'Linux');
  put('desk-1', 'Windows');
  const { api } = site.admin;
  const parameters = { managementGroup: 'corp', endpoint: cloud.url, queueUrl: queue.url, callsPerSecond: 100 };
  const fields = { name: 'Cloud', parameters, protectedTags: ['team'] };
  const source = await api.createSource({ body: { ...fields, kind: 'azure', enabled: false } });
  assert.match((await enchilada('discovery', 'onboarding', 'cloud')).stdout, /--management-group-id corp /u);
  const template = await enchilada('discovery', 'onboarding', 'cloud', '--file', 'enchilada-reader.json');
  assert.ok('resources' in (JSON.parse(template.stdout) as object));
  const plan = await enchilada('discovery', 'plan', 'cloud');
  assert.match(plan.stdout, /2 appear, 0 change, 0 go, 0 are left out, 0 stay\. Nothing was written\./u);
  assert.equal((await enchilada('targets', 'list')).stdout.includes('web-1'), false);
  const rules = join(operator.folder, 'rules.json');
  const outcome = { group: 'Clouds/{accountName}/{region}' };
  await writeFile(
    rules,
    JSON.stringify([{ name: 'placed', enabled: true, match: { regions: ['westeurope'] }, outcome }]),
  );
  assert.match(
    (await enchilada('discovery', 'plan', 'cloud', '--rules', rules)).stdout,
    /Clouds\/Payments\/westeurope.*placed/u,
  );
  await json('discovery', 'rules', '--set', rules);
  await api.updateSource({ params: { id: source.id }, body: { ...fields, enabled: true, version: source.version } });
  await until(
    async () => (await enchilada('discovery', 'status', 'cloud')).stdout.includes('up to date'),
    'the first listing',
  );

  const explained = await enchilada('discovery', 'explain', 'web-1');
  assert.match(explained.stdout, /found by Cloud in Payments/u);
  assert.match(explained.stdout, /group\s+placed/u);
  const { items } = await api.listTargets({ query: { text: 'desk-1' } });
  assert.deepEqual(
    items.map(({ protocol, port, labels }) => [protocol, port, labels['cloud:region'], labels['team']]),
    [['rdp', 3389, 'westeurope', 'x']],
  );

  put('web-2', 'Linux');
  await queue.send(message(notification(idOf('web-2'), 'CreatedOrUpdated')));
  await until(async () => (await api.listTargets({ query: { text: 'web-2' } })).items.length === 1, 'the new machine');
  cloud.machines.delete(idOf('web-1').toLowerCase());
  await queue.send(message(notification(idOf('web-1'), 'Deleted')));
  await until(
    async () => (await api.listTargets({ query: { text: 'web-1' } })).items.length === 0,
    'the end of the old one',
  );
  assert.match((await enchilada('discovery', 'changes')).stdout, /gone\s+event\s+web-1/u);
  // A message counts once it is ended, which comes after what it changed.
  const metrics = await until(async () => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return /^enchilada_discovery_events_total 2$/mu.test(text) && text;
  }, 'both messages to be counted');
  assert.match(metrics, /^enchilada_discovery_scopes_held 0$/mu);
});

test('a file of machines is a source; removals that are many wait until an operator agrees to their number', async () => {
  const file = join(site.gateway.dataDir, 'inventories', 'hall.csv');
  const list = (count: number): string =>
    [
      'name,address,port',
      ...Array.from({ length: count }, (_, index) => `hall-${index},10.9.0.${index},2022`),
      '',
    ].join('\n');
  await writeFile(file, list(20));
  const { api } = site.admin;
  await api.createSource({
    body: { name: 'Hall', kind: 'inventory-file', parameters: { path: 'hall.csv' }, protectedTags: [], enabled: true },
  });
  await until(async () => (await api.listTargets({ query: { text: 'hall-' } })).items.length === 20, 'the list');
  await writeFile(file, list(5));
  const held = await enchilada('discovery', 'run', 'hall');
  assert.deepEqual([held.exitCode, /1 held/u.test(held.stdout)], [5, true]);
  assert.equal((await enchilada('discovery', 'status', 'hall')).exitCode, 5);
  assert.equal((await enchilada('discovery', 'held')).stdout.match(/hall-\d+/gu)?.length, 15);
  assert.equal((await api.listTargets({ query: { text: 'hall-' } })).items.length, 20);
  const accept = ['discovery', 'accept', 'hall', 'hall.csv', 'all'];
  assert.match((await enchilada(...accept, '--count', '14')).stderr, /15 removals are held and not 14/u);
  await json(...accept, '--count', '15');
  assert.equal((await api.listTargets({ query: { text: 'hall-' } })).items.length, 5);
});

test('a machine that no source keeps up to date says so, and why', async () => {
  const { api } = site.admin;
  await writeFile(join(site.gateway.dataDir, 'inventories', 'cellar.csv'), 'name,address,port\ncellar-1,10.8.0.1,22\n');
  const cellar = { name: 'Cellar', parameters: { path: 'cellar.csv' }, protectedTags: [] };
  const { id, version } = await api.createSource({ body: { ...cellar, kind: 'inventory-file', enabled: true } });
  await until(async () => (await api.listTargets({ query: { text: 'cellar-1' } })).items.length === 1, 'the list');
  await site.machine({ name: 'attic', protocol: 'ssh', host: '127.0.0.1', port: 22 });
  assert.match((await enchilada('discovery', 'explain', 'attic')).stdout, /attic was added by hand/u);
  assert.match((await enchilada('discovery', 'explain', 'cellar-1')).stdout, /found by Cellar/u);
  await api.updateSource({ params: { id }, body: { ...cellar, enabled: false, version } });
  await api.deleteSource({ params: { id } });
  assert.match(
    (await enchilada('discovery', 'explain', 'cellar-1')).stdout,
    /by a source that has been removed since/u,
  );
});
