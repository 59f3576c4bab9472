// `aws/{accountName}/{vpcName}`: what a VPC is called, and what happens where that may not be read.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf, PLACED_BY_TAG, type Rule, type SourceRecord } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const running = { Code: 16, Name: 'running' } as const;
const RULE: Rule = { name: 'by vpc', enabled: true, match: {}, outcome: { group: 'aws/{accountName}/{vpcName}' } };

interface Site {
  readonly cloud: AwsStandIn;
  readonly store: Store;
  readonly record: SourceRecord;
  /** Starts a node; the one before has stopped. */
  readonly work: (look: (service: DiscoveryService) => Promise<void>) => Promise<void>;
  /** The groups that machines are in, by their names. */
  readonly placed: () => Promise<Readonly<Record<string, string>>>;
  readonly describes: () => number;
}

async function atWork(
  fields: Partial<SourceRecord> & { readonly networkNames?: boolean },
  look: (site: Site) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-networks-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const { networkNames = true, ...rest } = fields;
    const parameters = { accounts: [`${ACCOUNT}=Payments`], regions: [REGION], endpoint: cloud.url, networkNames };
    const record = aSource({ kind: 'aws', parameters: { ...parameters, callsPerSecond: 1_000 }, ...rest });
    cloud.roles.set(ACCOUNT, externalIdOf(record.id));
    await store.now.discovery.saveRules([RULE], 0);
    await store.now.discovery.insertSource(record);
    for (const [index, VpcId] of ['vpc-a', 'vpc-a', 'vpc-b', 'vpc-gone'].entries())
      cloud.put(ACCOUNT, REGION, {
        ...{ InstanceId: `i-${index}`, State: running, PrivateIpAddress: `10.0.0.${index}`, VpcId },
        Tags: [{ Key: 'Name', Value: `host-${index}` }],
      });
    cloud.putVpc(ACCOUNT, REGION, { VpcId: 'vpc-a', Tags: [{ Key: 'Name', Value: 'prod <&> é / eu' }] });
    cloud.putVpc(ACCOUNT, REGION, { VpcId: 'vpc-b', Tags: [{ Key: 'team', Value: 'x' }] });
    await look({
      ...{ cloud, store, record },
      work: async (within) => {
        await using service = new DiscoveryService({
          ...{ store, clock, random, nodeId: 'one', types: [aws({ clock })], protocols: { linux: 'proto' } },
          ...{ portOf: () => 22, audit: { append: () => assert.fail('nothing is to be audited') } },
          report: () => undefined,
        });
        await service.start();
        await service.sweepNow(record.id);
        await until(async () => (await store.now.catalog.listTargets()).length === 4);
        await within(service);
      },
      placed: async () => {
        const groups = new Map((await store.now.catalog.listGroups()).map((group) => [group.id, group]));
        const pathOf = (id: string | undefined): string => {
          const group = groups.get(id ?? '');
          return group === undefined ? '' : `${pathOf(group.parentId)}/${group.name}`;
        };
        const targets = (await store.now.catalog.listTargets()).filter(({ goneAt }) => goneAt === undefined);
        return Object.fromEntries(targets.map(({ name, groupId }) => [name, pathOf(groupId)]));
      },
      describes: () => cloud.calls.filter(({ action }) => action === 'DescribeVpcs').length,
    });
  }
  await rm(directory, { recursive: true });
}

const NAMED = {
  'host-0': '/aws/Payments/prod <&> é eu',
  'host-1': '/aws/Payments/prod <&> é eu',
  'host-2': '/aws/Payments/vpc-b',
  'host-3': '/aws/Payments/vpc-gone',
};
const BY_ID = { ...NAMED, 'host-0': '/aws/Payments/vpc-a', 'host-1': '/aws/Payments/vpc-a' };

describe('the name of a network', () => {
  it('places its machines, is asked for once, and its id stands where it has none', async () => {
    await atWork({}, async ({ record, work, placed, describes }) => {
      await work(async (service) => {
        assert.deepEqual(await placed(), NAMED);
        for (let round = 0; round < 3; round++) await service.sweepNow(record.id);
        // The node's own first sweep may have run beside the one that was asked for.
        assert.ok(describes() >= 1 && describes() <= 2, `asked ${describes()} times`);
      });
    });
  });

  it('that may not be read leaves the id in its place, removes nothing and is named as the permission that is missing', async () => {
    await atWork({}, async ({ cloud, store, record, work, placed }) => {
      cloud.refusedActions.add('DescribeVpcs');
      const troubles = () => store.now.discovery.listTroubles(record.id);
      await work(async () => {
        assert.deepEqual(await placed(), BY_ID);
        await until(async () => (await troubles()).length > 0);
        const [trouble] = await troubles();
        assert.deepEqual([trouble?.part, trouble?.account], ['networks', ACCOUNT]);
        assert.match(trouble?.problem.detail ?? '', /^ec2:DescribeVpcs in account 111111111111 was refused/u);
        const [scope] = await store.now.discovery.listScopes(record.id);
        assert.deepEqual([scope?.staleSince, scope?.problem], [undefined, undefined], 'the listing is complete');
      });
      cloud.refusedActions.clear();
      await work(async () => {
        assert.deepEqual(await placed(), NAMED);
      });
      cloud.refusedActions.add('DescribeVpcs');
      await work(async (service) => {
        await service.sweepNow(record.id);
        assert.deepEqual(await placed(), NAMED, 'what was read stays: nothing moves for want of a permission');
      });
    });
  });

  it('is not asked for where the source reads none', async () => {
    await atWork({ networkNames: false }, async ({ cloud, work, placed, describes }) => {
      await work(async () => {
        assert.deepEqual([await placed(), describes()], [BY_ID, 0]);
        assert.ok(cloud.assumed.every(({ policy }) => !policy.includes('DescribeVpcs')));
      });
    });
  });

  it('is a tag: it places, and grants on the group reach the machine only where the tag Name is protected', async () => {
    const marks = async ({ store }: Site) =>
      (await store.now.catalog.listTargets())
        .map(({ name, labels }) => `${name} ${labels[PLACED_BY_TAG] ?? ''}`.trim())
        .sort();
    await atWork({}, async (site) => {
      await site.work(async () => {
        assert.deepEqual(await marks(site), ['host-0 tag', 'host-1 tag', 'host-2', 'host-3']);
      });
    });
    await atWork({ protectedTags: ['Name'] }, async (site) => {
      await site.work(async () => {
        assert.deepEqual(await marks(site), ['host-0', 'host-1', 'host-2', 'host-3']);
      });
    });
  });
});
