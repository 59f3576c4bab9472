// What Azure refuses: by missing data actions of the queue, by quotas of Resource Graph, and to whom cannot prove who it is.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Delivery, DiscoverySource, Sighting } from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { azure } from './index.ts';
import { AzureStandIn, EventQueue, message, notification, QueueDoor } from './testing/index.ts';

const SUBSCRIPTION = '11111111-1111-1111-1111-111111111111';
const idOf = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/${name}`;
const ACTIONS = 'Microsoft.Storage/storageAccounts/queueServices/queues/messages';
const { signal } = new AbortController();

describe('an Azure source that is refused', () => {
  const owned = new AsyncDisposableStack();
  let cloud: AzureStandIn;
  let queue: EventQueue;
  let door: QueueDoor;
  const open = (parameters: Readonly<Record<string, string | number>> = {}): Promise<DiscoverySource> =>
    azure({ clock }).open(
      aSource({
        kind: 'azure',
        parameters: { managementGroup: 'corp', endpoint: cloud.url, callsPerSecond: 1_000, ...parameters },
      }),
    );
  const listed = async (source: DiscoverySource): Promise<readonly Sighting[]> => {
    const pages: (readonly Sighting[])[] = [];
    for await (const page of source.scan({ account: SUBSCRIPTION, region: 'all' }, signal)) pages.push(page);
    return pages.flat();
  };
  const receive = async ({ hints }: DiscoverySource): Promise<Delivery> => {
    for (;;) {
      const [first] = (await hints?.receive(signal)) ?? assert.fail('no queue');
      if (first !== undefined) return first;
    }
  };
  const lacks = (action: string) => (fault: unknown) =>
    isFault(fault, 'DISCOVERY_DENIED') && fault.facts['permission'] === `${ACTIONS}/${action}`;

  before(async () => {
    cloud = owned.use(await AzureStandIn.start());
    cloud.certificate.trust();
    Object.assign(process.env, cloud.environment);
    cloud.subscriptions.set(SUBSCRIPTION, 'Payments');
    cloud.put({ id: idOf('web-1'), name: 'web-1', properties: {} }, '10.1.0.4');
    queue = owned.use(await EventQueue.start(cloud.certificate));
    door = owned.use(await QueueDoor.before(queue.url, cloud.certificate));
  });
  after(() => owned.disposeAsync());
  beforeEach(() => {
    Object.assign(cloud, { quota: undefined, graphDenied: false });
    door.refused.clear();
  });

  it('names the data action of the queue that is missing, for each call, and loses no message', async () => {
    await using source = await open({ queueUrl: door.url });
    door.refused.add('receive');
    await assert.rejects(receive(source), lacks('process/action'));
    door.refused.clear();
    await queue.send(message(notification(idOf('web-1'), 'CreatedOrUpdated')));
    const first = await receive(source);
    door.refused.add('update');
    await assert.rejects(first.retry(0), lacks('write'));
    door.refused.clear();
    assert.equal(await queue.length(), 1, 'it comes again when its time is over');
    await queue.clear();

    await queue.send(message(notification(idOf('web-1'), 'CreatedOrUpdated')));
    const second = await receive(source);
    door.refused.add('delete');
    await assert.rejects(second.acknowledge(), lacks('process/action'));
    assert.equal(await queue.length(), 1);
    await queue.clear();
  });

  it('keeps a message that cannot be moved to the poison queue', async () => {
    await using source = await open({ queueUrl: door.url });
    await queue.send('{bad');
    for (let attempt = 1; attempt < 5; attempt++) await (await receive(source)).retry(0);
    const last = await receive(source);
    door.refused.add('send');
    await assert.rejects(last.retry(0), lacks('add/action'));
    assert.deepEqual([await queue.length(), await queue.poisoned()], [1, []]);
    await queue.clear();
  });

  it('stops asking Resource Graph until its quota begins anew, as its answers say', async () => {
    cloud.quota = { queries: 2, seconds: 1 };
    await using source = await open();
    assert.deepEqual(
      (await listed(source)).map(({ facts }) => facts.name),
      ['web-1'],
    );
  });

  it('fails the listing where the quota stays used up, and where nobody may ask', async () => {
    cloud.quota = { queries: 0, seconds: 60 };
    await using throttled = await open();
    await assert.rejects(listed(throttled), (fault) => isFault(fault, 'DISCOVERY_THROTTLED'));
    Object.assign(cloud, { quota: undefined, graphDenied: true });
    await using denied = await open();
    await assert.rejects(
      denied.scopes(signal),
      (fault) =>
        isFault(fault, 'DISCOVERY_DENIED') && fault.facts['permission'] === 'Microsoft.ResourceGraph/resources/read',
    );
  });

  it('signs in as a service principal at whichever authority the node names, and says whose proof was refused', async () => {
    const { tenant, clientId, secret } = cloud.principal;
    const principal = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId, AZURE_AUTHORITY_HOST: cloud.url };
    Object.assign(process.env, { ...principal, AZURE_CLIENT_SECRET: secret });
    await using source = await open({ identity: 'principal', queueUrl: queue.url });
    assert.equal((await listed(source)).length, 1);
    await queue.send(message(notification(idOf('web-1'), 'CreatedOrUpdated')));
    await (await receive(source)).acknowledge();
    await until(async () => (await queue.length()) === 0);

    process.env['AZURE_CLIENT_SECRET'] = 'another';
    await using other = await open({ identity: 'principal' });
    await assert.rejects(
      listed(other),
      (fault) => isFault(fault, 'DISCOVERY_DENIED') && fault.message.includes('identity could not be proved'),
    );
    for (const name of [...Object.keys(principal), 'AZURE_CLIENT_SECRET']) Reflect.deleteProperty(process.env, name);
    await using nobody = await open({ identity: 'principal' });
    await assert.rejects(listed(nobody), (fault) => isFault(fault, 'DISCOVERY_DENIED'));
  });
});
