// The tag that asks for a further protocol, as each cloud tells it: by the SDK, by the events of its queue, to the machine's end.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn, EventQueue, stateChange, tagChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { azure } from '@enchilada/adapters/discovery-source/azure';
import {
  AzureStandIn,
  EventQueue as StorageQueue,
  message,
  notification,
  resourceEvent,
} from '@enchilada/adapters/discovery-source/azure/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf, type SourceRecord } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const TAG = 'enchilada:protocol';

interface Catalog {
  readonly store: Store;
  readonly service: DiscoveryService;
  /** Waits until the catalog holds these entries and no other, with their ports. */
  readonly has: (...entries: readonly string[]) => Promise<unknown>;
}

/** A node's discovery of one source, to the end of the work. */
async function discovering(record: SourceRecord, work: (catalog: Catalog) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-further-'));
  {
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    await store.now.discovery.insertSource(record);
    const types = [aws({ clock }), azure({ clock })];
    await using service = new DiscoveryService({
      ...{ store, clock, random, nodeId: 'one', types, protocols: { linux: 'ssh', windows: 'rdp' } },
      portOf: (protocol) => (protocol === 'ssh' ? 22 : 3389),
      ...{ audit: { append: () => assert.fail('nothing is to be audited') }, report: () => undefined },
    });
    await service.start();
    const has = (...entries: readonly string[]) =>
      until(async () => {
        const there = (await store.now.catalog.listTargets()).filter(({ goneAt }) => goneAt === undefined);
        const told = there.map(({ name, port }) => `${name} ${port}`).sort();
        return told.join() === entries.join();
      });
    await work({ store, service, has });
  }
  await rm(directory, { recursive: true });
}

it('follows the tag of a machine of AWS by its events, and the machine to its end', async () => {
  const [account, region, id] = ['111111111111', 'eu-west-1', 'i-00000000000000001'];
  const about = { account, region, id };
  await using cloud = await AwsStandIn.start();
  await using queue = await EventQueue.start();
  Object.assign(process.env, cloud.environment);
  const parameters = { accounts: [account], regions: [region], endpoint: cloud.url, callsPerSecond: 1_000 };
  const record = aSource({ kind: 'aws', parameters: { ...parameters, queueUrl: queue.url } });
  cloud.roles.set(account, externalIdOf(record.id));
  const put = (state: { readonly Code: number; readonly Name: 'running' | 'terminated' }, tags: string): void => {
    const Tags = [{ Key: 'Name', Value: 'both' }, ...(tags === '' ? [] : [{ Key: TAG, Value: tags }])];
    cloud.put(account, region, { InstanceId: id, State: state, PrivateIpAddress: '10.0.0.1', Tags });
  };
  const running = { Code: 16, Name: 'running' } as const;
  put(running, '');
  await discovering(record, async ({ store, service, has }) => {
    await has('both 22');
    put(running, 'ssh rdp');
    await queue.send(tagChange(about, { [TAG]: 'ssh rdp' }));
    await has('both (RDP) 3389', 'both 22');
    const [desk] = await store.now.catalog.findTargetsByName(['both (RDP)']);
    assert.ok(desk);
    assert.deepEqual(await service.lookAgain(desk, new AbortController().signal), { isChanged: false });
    put(running, '');
    await queue.send(tagChange(about, {}), stateChange(about, 'running'));
    await has('both 22');
    put(running, 'rdp');
    await queue.send(tagChange(about, { [TAG]: 'rdp' }));
    await has('both (RDP) 3389', 'both 22');
    put({ Code: 48, Name: 'terminated' }, 'rdp');
    await queue.send(stateChange(about, 'terminated'));
    await has();
  });
});

it('follows the tag of a machine of Azure by the events of either schema, and the machine to its end', async () => {
  const subscription = '11111111-1111-1111-1111-111111111111';
  const id = `/subscriptions/${subscription}/resourceGroups/RG-Payments/providers/Microsoft.Compute/virtualMachines/both`;
  await using cloud = await AzureStandIn.start();
  cloud.certificate.trust();
  Object.assign(process.env, cloud.environment);
  await using queue = await StorageQueue.start(cloud.certificate);
  cloud.subscriptions.set(subscription, 'Payments');
  const vmId = '22222222-2222-2222-2222-222222222222';
  const put = (tags: Readonly<Record<string, string>>): void => {
    const instanceView = { statuses: [{ code: 'PowerState/running' }] };
    const properties = { vmId, storageProfile: { osDisk: { osType: 'Windows' } }, instanceView };
    cloud.put({ id, name: 'both', location: 'westeurope', tags, properties }, '10.1.0.4');
  };
  put({});
  const parameters = { managementGroup: 'corp', endpoint: cloud.url, callsPerSecond: 1_000, queueUrl: queue.url };
  await discovering(aSource({ kind: 'azure', parameters }), async ({ store, service, has }) => {
    await has('both 3389');
    put({ [TAG]: 'rdp ssh' });
    await queue.send(message(notification(id, 'CreatedOrUpdated')));
    await has('both (SSH) 22', 'both 3389');
    const [shell] = await store.now.catalog.findTargetsByName(['both (SSH)']);
    assert.ok(shell);
    assert.deepEqual(await service.lookAgain(shell, new AbortController().signal), { isChanged: false });
    put({});
    await queue.send(message(resourceEvent(id, 'Write')));
    await has('both 3389');
    put({ [TAG]: 'ssh' });
    await queue.send(message(resourceEvent(id, 'Write')));
    await has('both (SSH) 22', 'both 3389');
    assert.equal((await store.now.catalog.findTargetsByName(['both (SSH)']))[0]?.id, shell.id);
    cloud.machines.delete(id.toLowerCase());
    await queue.send(message(notification(id, 'Deleted')));
    await has();
  });
});
