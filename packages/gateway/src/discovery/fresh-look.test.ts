// T49: the address of a machine that is gone may be another's by now.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import { Fault, isFault } from '@enchilada/core/fault';
import type { Target } from '@enchilada/core/target';
import { aTarget } from '@enchilada/core/testing/store-fixture';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import type { Clock } from '@enchilada/core/time';
import { systemClock, systemRandom as random } from '../clock.ts';
import { SessionRig } from '../testing/session-rig.ts';
import { DiscoveryService } from './discovery-service.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const MACHINE = 'i-00000000000000001';
const SUCCESSOR = 'i-00000000000000002';
const MINUTE_MS = 60_000;
const ADDRESS = '10.0.0.1';
const states = {
  running: { Code: 16, Name: 'running' },
  stopped: { Code: 80, Name: 'stopped' },
  terminated: { Code: 48, Name: 'terminated' },
} as const;
const { signal } = new AbortController();

interface Site {
  readonly cloud: AwsStandIn;
  readonly service: DiscoveryService;
  readonly target: Target;
  /** The catalog's word for it now. */
  readonly now: () => Promise<Target | undefined>;
  readonly describes: () => number;
  readonly put: (id: string, state: keyof typeof states, address?: string) => void;
  readonly switchOff: () => Promise<void>;
  /** What discovery writes of it meanwhile. */
  readonly change: (fields: Partial<Target>) => Promise<void>;
}

/** One machine that was found and has not been looked at for more than a minute. */
async function aMachine(work: (site: Site) => Promise<void>, agoMs = MINUTE_MS + 1): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-look-'));
  {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const parameters = { accounts: [ACCOUNT], regions: [REGION], endpoint: cloud.url, callsPerSecond: 1_000 };
    const record = aSource({ kind: 'aws', parameters });
    cloud.roles.set(ACCOUNT, externalIdOf(record.id));
    const put: Site['put'] = (InstanceId, state, PrivateIpAddress = ADDRESS) => {
      cloud.put(ACCOUNT, REGION, { InstanceId, State: states[state], PrivateIpAddress });
    };
    put(MACHINE, 'running');
    await store.now.discovery.insertSource(record);
    await using service = new DiscoveryService({
      ...{ store, clock, random, nodeId: 'one', types: [aws({ clock })], protocols: { linux: 'proto' } },
      ...{ portOf: () => 22, audit: { append: () => assert.fail('nothing is to be audited') } },
      report: () => undefined,
    });
    await service.start();
    await until(async () => (await store.now.discovery.listScopes(record.id))[0]?.lastSweepAt !== undefined);
    const [target] = await store.now.catalog.listTargets();
    assert.ok(target);
    aheadMs = agoMs;
    await work({
      ...{ cloud, service, target, put },
      now: () => store.now.catalog.findTarget(target.id),
      describes: () => cloud.calls.filter(({ action }) => action === 'DescribeInstances').length,
      change: async (fields) => {
        const held = await store.now.catalog.findTarget(target.id);
        assert.ok(held);
        await store.now.catalog.updateTarget({ ...held, ...fields });
      },
      switchOff: async () => {
        await store.now.discovery.updateSource({ ...record, enabled: false });
        await service.refresh();
      },
    });
  }
  await rm(directory, { recursive: true });
}

describe('a machine that is about to be dialled', () => {
  it('is not looked at again within a minute, and described once after that', async () => {
    await aMachine(async ({ service, target, describes }) => {
      const before = describes();
      assert.deepEqual(await service.lookAgain(target, signal), { isChanged: false });
      assert.equal(describes(), before);
    }, MINUTE_MS / 2);
    await aMachine(async ({ service, target, describes }) => {
      const before = describes();
      assert.deepEqual(await service.lookAgain(target, signal), { isChanged: false });
      assert.equal(describes(), before + 1);
      assert.deepEqual(await service.lookAgain(target, signal), { isChanged: false });
      assert.equal(describes(), before + 1, 'what was said now is believed for a minute');
    });
  });

  it('is compared with what is known now, also where that was learnt a moment ago', async () => {
    await aMachine(async ({ service, target, describes, change }) => {
      const before = describes();
      await change({ host: '10.0.0.9' });
      const look = await service.lookAgain(target, signal);
      assert.equal(look.isChanged, true, 'files beside a session are opened hours after their machine was authorised');
      assert.equal(describes(), before);
      await change({ goneAt: systemClock.now() });
      await assert.rejects(service.lookAgain(target, signal), (fault) => isFault(fault, 'MACHINE_GONE'));
    }, MINUTE_MS / 2);
  });

  it('is dialled at its new address, and that is said', async () => {
    await aMachine(async ({ service, target, put, now }) => {
      put(MACHINE, 'running', '10.0.0.9');
      const look = await service.lookAgain(target, signal);
      assert.equal(look.isChanged, true);
      assert.match(look.note ?? '', /10\.0\.0\.9 and no longer 10\.0\.0\.1/u);
      assert.equal((await now())?.host, '10.0.0.9');
    });
  });

  it('is refused where it is gone, although another has its address, and where it does not run', async () => {
    for (const end of ['terminated', 'unknown', 'stopped'] as const)
      await aMachine(async ({ cloud, service, target, put, now }) => {
        if (end === 'unknown') cloud.remove(ACCOUNT, REGION, MACHINE);
        else put(MACHINE, end);
        put(SUCCESSOR, 'running', ADDRESS);
        const code = end === 'stopped' ? 'MACHINE_NOT_RUNNING' : 'MACHINE_GONE';
        await assert.rejects(service.lookAgain(target, signal), (fault) => isFault(fault, code), end);
        assert.equal((await now())?.goneAt !== undefined, end === 'terminated', 'absence alone removes nothing');
      });
  });

  it('is dialled with a word about it where its source refuses, says nothing in time, or is switched off', async () => {
    const noteOf = async (spoil: (site: Site) => unknown): Promise<string> => {
      let note = '';
      await aMachine(async (site) => {
        await spoil(site);
        const look = await site.service.lookAgain(site.target, signal);
        assert.equal(look.isChanged, false);
        note = look.note ?? '';
      });
      return note;
    };
    const refused = await noteOf(({ cloud }) => cloud.denied.add(ACCOUNT));
    assert.match(refused, /DISCOVERY_DENIED: ec2:DescribeInstances in account 111111111111/u);
    assert.match(await noteOf(({ cloud }) => cloud.silent.add(ACCOUNT)), /did not answer in time/u);
    assert.match(await noteOf(({ switchOff }) => switchOff()), /switched off/u);
  });

  it('that nobody found is dialled as it is written', async () => {
    await aMachine(async ({ service }) => {
      assert.deepEqual(await service.lookAgain(aTarget(), signal), { isChanged: false });
    });
  });
});

describe('a session', () => {
  it('goes to the address that was learnt right before, and its audit event says so', async () => {
    await using rig = await SessionRig.start();
    rig.lookAgain = async (target) => {
      await rig.store.now.catalog.updateTarget({ ...target, host: '10.0.0.9' });
      return { isChanged: true, note: 'another address' };
    };
    await rig.open();
    assert.deepEqual(rig.dialled, ['10.0.0.9']);
    assert.equal(rig.audited.find(({ action }) => action === 'session.opened')?.detail?.['note'], 'another address');
  });

  it('on a machine that is gone dials nothing and ends with that word', async () => {
    await using rig = await SessionRig.start();
    rig.lookAgain = () => Promise.reject(new Fault('MACHINE_GONE', 'it is no more'));
    const session = await rig.open();
    assert.deepEqual([rig.dialled, rig.endOf(session)], [[], 'MACHINE_GONE']);
    await until(() => rig.audited.some(({ action }) => action === 'session.failed'));
    const failed = rig.audited.find(({ action }) => action === 'session.failed');
    assert.deepEqual([failed?.outcome, failed?.reason], ['failure', 'MACHINE_GONE']);
  });

  it('is not opened by another protocol than was asked for', async () => {
    await using rig = await SessionRig.start();
    rig.lookAgain = async (target) => {
      await rig.store.now.catalog.updateTarget({ ...target, protocol: 'other' });
      return { isChanged: true };
    };
    const session = await rig.open();
    assert.deepEqual([rig.dialled, rig.endOf(session)], [[], 'CONFLICT']);
  });

  it('is not opened where the right to the machine went with what was learnt', async () => {
    await using rig = await SessionRig.start();
    rig.lookAgain = async (target) => {
      for (const grant of await rig.store.now.grants.list()) await rig.store.now.grants.delete(grant.id);
      await rig.store.now.catalog.updateTarget({ ...target, host: '10.0.0.9' });
      return { isChanged: true };
    };
    const session = await rig.open();
    assert.deepEqual(rig.dialled, []);
    assert.ok(rig.endOf(session) !== undefined, 'whichever look at the rights comes first');
  });
});
