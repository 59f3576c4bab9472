import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Delivery, DiscoverySource, Sighting } from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { readEvent } from './event.ts';
import { azure } from './index.ts';
import { AzureStandIn, EventQueue, message, notification, resourceEvent } from './testing/index.ts';

const FIRST = '11111111-1111-1111-1111-111111111111';
const SECOND = '22222222-2222-2222-2222-222222222222';
const machineId = (name: string, subscription = FIRST): string =>
  `/subscriptions/${subscription}/resourceGroups/RG-Payments/providers/Microsoft.Compute/virtualMachines/${name}`;
const setId = `/subscriptions/${FIRST}/resourcegroups/rg-payments/providers/microsoft.compute/virtualmachinescalesets/workers`;
const scope = { account: FIRST, region: 'all' };
const { signal } = new AbortController();
const running = { statuses: [{ code: 'ProvisioningState/succeeded' }, { code: 'PowerState/running' }] };

describe('an Azure source', () => {
  let cloud: AzureStandIn;
  let queue: EventQueue;
  const open = (
    parameters: Readonly<Record<string, string | number | readonly string[]>> = {},
  ): Promise<DiscoverySource> =>
    azure({ clock }).open(
      aSource({
        kind: 'azure',
        parameters: { managementGroup: 'corp', endpoint: cloud.url, callsPerSecond: 1_000, ...parameters },
      }),
    );
  const listed = async (source: DiscoverySource, account = FIRST): Promise<readonly Sighting[]> => {
    const pages: (readonly Sighting[])[] = [];
    for await (const page of source.scan({ account, region: 'all' }, signal)) pages.push(page);
    return pages.flat();
  };
  const put = (name: string, fields: object = {}, properties: object = {}): void => {
    cloud.put(
      {
        id: machineId(name),
        name,
        location: 'westeurope',
        zones: ['2'],
        tags: { team: 'payments' },
        ...fields,
        properties: {
          hardwareProfile: { vmSize: 'Standard_B2s' },
          storageProfile: {
            osDisk: { osType: 'Linux' },
            imageReference: { publisher: 'Canonical', offer: 'ubuntu-24_04-lts', sku: 'server' },
          },
          timeCreated: '2026-01-02T03:04:05Z',
          instanceView: running,
          ...properties,
        },
      },
      '10.1.0.4',
    );
  };

  before(async () => {
    cloud = await AzureStandIn.start();
    cloud.certificate.trust();
    Object.assign(process.env, cloud.environment);
    queue = await EventQueue.start(cloud.certificate);
  });
  after(async () => {
    await queue[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    for (const all of [cloud.machines, cloud.interfaces, cloud.publicAddresses, cloud.scaleSets, cloud.graphKeeps])
      all.clear();
    cloud.graphLacks.clear();
    cloud.hidden.clear();
    cloud.subscriptions.clear();
    cloud.subscriptions.set(FIRST, 'Payments').set(SECOND, 'Shop');
    Object.assign(cloud, { denied: false, throttledPerMille: 0, pageSize: 1_000, truncated: false, limitHit: false });
    cloud.calls.length = 0;
  });

  it('tells a machine alike whether Resource Graph lists it or Resource Manager reads it', async () => {
    put('web-1');
    const id = machineId('web-1').toLowerCase();
    const nic = cloud.interfaces.get(
      `${id.split('/providers/')[0] ?? ''}/providers/microsoft.network/networkinterfaces/web-1-nic`,
    );
    const address = `/subscriptions/${FIRST}/resourcegroups/rg-payments/providers/microsoft.network/publicipaddresses/web-1-ip`;
    cloud.publicAddresses.set(address, {
      id: address,
      properties: { ipAddress: '192.0.2.1', dnsSettings: { fqdn: 'web-1.westeurope.cloudapp.azure.com' } },
    });
    Object.assign(nic?.properties?.ipConfigurations?.[0]?.properties ?? {}, {
      publicIPAddress: { id: address.toUpperCase() },
    });
    await using source = await open();
    const [graphed] = await listed(source);
    const [read] = await source.describe(scope, [id], signal);
    assert.deepEqual(read?.facts, graphed?.facts);
    assert.deepEqual(
      { ...read?.facts, incarnation: typeof read?.facts.incarnation },
      {
        name: 'web-1',
        platform: 'linux',
        state: 'running',
        privateAddresses: ['10.1.0.4'],
        publicAddresses: ['192.0.2.1'],
        tags: { team: 'payments' },
        publicName: 'web-1.westeurope.cloudapp.azure.com',
        region: 'westeurope',
        network: 'hub',
        subnet: 'app',
        zone: 'westeurope-2',
        image: 'Canonical:ubuntu-24_04-lts:server',
        size: 'Standard_B2s',
        launchedAt: Date.parse('2026-01-02T03:04:05Z'),
        incarnation: 'string',
      },
    );
    assert.ok(
      (graphed?.observedAt ?? 0) < (read?.observedAt ?? 0) - 60_000,
      'what Resource Graph says counts as older',
    );
  });

  it('lists every page below the management group once for all its subscriptions', async () => {
    for (let index = 0; index < 230; index++)
      put(`host-${index}`, {}, index % 2 === 0 ? { storageProfile: { osDisk: { osType: 'Windows' } } } : {});
    cloud.put({ id: machineId('shop-1', SECOND), name: 'shop-1', properties: { instanceView: running } }, '10.2.0.4');
    cloud.pageSize = 100;
    await using source = await open();
    assert.deepEqual(await source.scopes(signal), [
      { account: FIRST, region: 'all', accountName: 'Payments' },
      { account: SECOND, region: 'all', accountName: 'Shop' },
    ]);
    const [first, second] = await Promise.all([listed(source), listed(source, SECOND)]);
    assert.deepEqual([first.length, second.length], [230, 1]);
    assert.equal(first.filter(({ facts }) => facts.platform === 'windows').length, 115);
    // Subscriptions twice, machines and interfaces three pages each, addresses and sets one each.
    assert.equal(cloud.calls.length, 1 + 1 + 3 + 3 + 1 + 1);
  });

  it('removes nothing on an answer that is cut: truncated, limited, denied, or a subscription that is not seen', async () => {
    put('web-1');
    const fails = async (code: 'DISCOVERY_FAILED' | 'DISCOVERY_DENIED'): Promise<void> => {
      await using source = await open();
      await assert.rejects(listed(source), (fault) => isFault(fault, code));
    };
    cloud.truncated = true;
    await fails('DISCOVERY_FAILED');
    cloud.truncated = false;
    cloud.limitHit = true;
    await fails('DISCOVERY_FAILED');
    cloud.limitHit = false;
    cloud.hidden.add(FIRST);
    await fails('DISCOVERY_DENIED');
    cloud.hidden.clear();
    cloud.denied = true;
    await using source = await open();
    await assert.rejects(
      source.describe(scope, [machineId('web-1')], signal),
      (fault) =>
        isFault(fault, 'DISCOVERY_DENIED') && fault.facts['permission'] === 'Microsoft.Compute/virtualMachines/read',
    );
  });

  it('comes through when half of the calls are throttled', async () => {
    for (let index = 0; index < 50; index++) put(`host-${index}`);
    cloud.throttledPerMille = 500;
    await using source = await open();
    assert.equal((await listed(source)).length, 50);
    const ids = [...cloud.machines.keys()];
    assert.equal((await source.describe(scope, ids, signal)).length, 50);
  });

  it('says terminated of a machine that Resource Manager does not know, whatever Resource Graph still lists', async () => {
    put('web-1');
    const id = machineId('web-1').toLowerCase();
    const last = cloud.machines.get(id);
    assert.ok(last);
    cloud.machines.delete(id);
    cloud.graphKeeps.set(id, last);
    await using source = await open();
    const [gone] = await source.describe(scope, [id], signal);
    const [kept] = await listed(source);
    assert.deepEqual([gone?.facts.state, kept?.facts.state], ['terminated', 'running']);
    assert.ok((kept?.observedAt ?? 0) < (gone?.observedAt ?? 0));
  });

  it('lists the machines of Uniform scale sets by Resource Manager and those of Flexible ones as machines', async () => {
    cloud.scaleSets.set(setId, { id: setId, mode: 'Uniform' });
    cloud.scaleSets.set(`${setId}-flexible`, { id: `${setId}-flexible`, mode: 'Flexible' });
    put('flexible_1');
    for (const index of [0, 3]) {
      const id = `${setId}/virtualmachines/${index}`;
      cloud.machines.set(id, {
        id,
        name: `workers_${index}`,
        location: 'westeurope',
        properties: { vmId: `vm-${index}`, instanceView: running, storageProfile: { osDisk: { osType: 'Windows' } } },
      });
      cloud.interfaces.set(`${id}/networkinterfaces/nic`, {
        id: `${id}/networkInterfaces/nic`,
        properties: {
          virtualMachine: { id: id.toUpperCase() },
          ipConfigurations: [{ properties: { privateIPAddress: `10.3.0.${index}` } }],
        },
      });
    }
    cloud.pageSize = 1;
    await using source = await open();
    const all = await listed(source);
    assert.deepEqual(
      all.map(({ facts }) => [facts.name, facts.platform, facts.privateAddresses[0]]),
      [
        ['flexible_1', 'linux', '10.1.0.4'],
        ['workers_0', 'windows', '10.3.0.0'],
        ['workers_3', 'windows', '10.3.0.3'],
      ],
    );
    // The set itself is what an event of a changed capacity names.
    assert.equal((await source.describe(scope, [setId], signal)).length, 2);
    cloud.machines.delete(`${setId}/virtualmachines/3`);
    const states = await source.describe(scope, [`${setId}/virtualmachines/3`], signal);
    assert.deepEqual(
      states.map(({ nativeId, facts }) => [nativeId.at(-1), facts.state]),
      [
        ['0', 'running'],
        ['3', 'terminated'],
      ],
    );
  });

  it('refuses settings that name neither group nor subscriptions, or both', async () => {
    await assert.rejects(open({ managementGroup: '' }), (fault) => isFault(fault, 'CONFIGURATION_INVALID'));
    await assert.rejects(open({ subscriptions: [FIRST] }), (fault) => isFault(fault, 'CONFIGURATION_INVALID'));
  });

  it('shows a subscription that is named and cannot be seen, so that its failure can be', async () => {
    cloud.hidden.add(SECOND);
    await using source = await open({ managementGroup: '', subscriptions: [`${FIRST}=Paying`, SECOND] });
    assert.deepEqual(
      (await source.scopes(signal)).map(({ accountName }) => accountName),
      ['Paying', SECOND],
    );
  });

  async function receive(source: DiscoverySource): Promise<readonly Delivery[]> {
    for (;;) {
      const deliveries = (await source.hints?.receive(signal)) ?? assert.fail('no queue');
      if (deliveries.length > 0) return deliveries;
    }
  }

  it('reads the storage queue with its own identity, and gives each message back or away', async () => {
    await using source = await open({ queueUrl: queue.url });
    await queue.send(message(notification(machineId('web-1'), 'CreatedOrUpdated')));
    const [first] = await receive(source);
    assert.deepEqual([first?.hints[0]?.nativeId, first?.attempt], [machineId('web-1').toLowerCase(), 1]);
    await first?.retry(0);
    const [second] = await receive(source);
    assert.equal(second?.attempt, 2);
    await second?.acknowledge();
    assert.equal(await queue.length(), 0);
  });

  it('moves what cannot be read to the poison queue after five receives, never after one', async () => {
    await using source = await open({ queueUrl: queue.url });
    await queue.send('{bad');
    for (let attempt = 1; attempt <= 5; attempt++) {
      assert.deepEqual(await queue.poisoned(), []);
      const [bad] = await receive(source);
      assert.deepEqual([bad?.problem, bad?.attempt], ['the message is not JSON', attempt]);
      await bad?.retry(0);
    }
    assert.deepEqual(await queue.poisoned(), ['{bad']);
    assert.equal(await queue.length(), 0);
  });
});

describe('an Event Grid message', () => {
  const id = machineId('web-1');
  const hintOf = (event: object) => {
    const { hints, problem } = readEvent(message(event));
    return [problem, ...hints.map(({ nativeId, scope: at, claimed }) => [nativeId, at.account, claimed])];
  };

  it('names the machine in either schema, and nothing else of it is kept', () => {
    const key = id.toLowerCase();
    assert.deepEqual(hintOf(resourceEvent(id, 'Write')), [undefined, [key, FIRST, undefined]]);
    assert.deepEqual(hintOf([resourceEvent(id, 'Delete')]), [undefined, [key, FIRST, 'terminated']]);
    assert.deepEqual(hintOf(resourceEvent(id, 'Action', 'deallocate/action')), [undefined, [key, FIRST, 'stopped']]);
    assert.deepEqual(hintOf(notification(id, 'CreatedOrUpdated')), [undefined, [key, FIRST, undefined]]);
    assert.deepEqual(hintOf(notification(id, 'Deleted')), [undefined, [key, FIRST, 'terminated']]);
    assert.deepEqual(hintOf(resourceEvent(setId, 'Write')), [undefined, [setId, FIRST, undefined]]);
    const read = JSON.stringify(readEvent(message(resourceEvent(id, 'Write'))));
    assert.ok(!read.includes('Lovelace') && !read.includes('6.6.6.6'));
    assert.equal(readEvent(JSON.stringify(resourceEvent(id, 'Write'))).hints.length, 1, 'plain JSON is read too');
  });

  it('that concerns no machine is nothing to do, one that cannot be believed is a problem', () => {
    const good = resourceEvent(id, 'Write') as Record<string, unknown>;
    for (const [event, isProblem] of [
      [resourceEvent(`${id}/extensions/agent`, 'Write'), false],
      [
        resourceEvent(id.replace('Microsoft.Compute/virtualMachines', 'Microsoft.Storage/storageAccounts'), 'Write'),
        false,
      ],
      [{ ...good, eventType: 'Microsoft.Resources.ResourceWriteFailure' }, false],
      [{ ...good, eventType: 'Microsoft.Something.New' }, false],
      [{ ...good, topic: `/subscriptions/${SECOND}` }, true],
      [{ ...good, topic: undefined }, true],
      [{ ...good, id: '' }, true],
      [{ ...good, id: 7 }, true],
      [{ ...good, eventTime: 'yesterday' }, true],
      [{ ...good, subject: '../../x', data: {} }, true],
      [{ ...good, data: { resourceUri: { $ne: 1 } }, subject: 1 }, true],
      [
        resourceEvent(
          `/subscriptions/${FIRST}/resourceGroups/../providers/Microsoft.Compute/virtualMachines/x`,
          'Write',
        ),
        false,
      ],
      [[], true],
      [{}, true],
    ] as const) {
      const { hints, problem } = readEvent(message(event));
      assert.deepEqual([hints.length, problem !== undefined], [0, isProblem], JSON.stringify(event).slice(0, 200));
    }
    for (const body of ['', 'null', '{bad', 'x'.repeat(1_100_000)])
      assert.notEqual(readEvent(body).problem, undefined, body.slice(0, 20));
  });
});
