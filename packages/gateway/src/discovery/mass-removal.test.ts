// R11, T48: whatever a cloud answers or does not answer, through the real SDK: no machine goes, somebody is told once, and nothing is left to be done by hand.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import type { AuditEvent } from '@enchilada/core/audit';
import { externalIdOf, MISSING_GRACE_MS, type SourceRecord } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import type { Clock } from '@enchilada/core/time';
import { systemClock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const [ACCOUNT, OTHER_ACCOUNT] = ['111111111111', '222222222222'];
const [HOME, REGION] = ['eu-west-1', 'us-east-1'];
const SCOPE = `${ACCOUNT}/${REGION}`;
const MACHINES = 40;
const PER_PAGE = 8;
/** Three tenths of them. */
const SOME = 12;
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;

interface Site {
  readonly cloud: AwsStandIn;
  readonly launch: (count: number) => void;
  readonly lose: (count: number) => void;
  readonly set: (parameters: SourceRecord['parameters']) => Promise<void>;
  readonly sweep: () => Promise<unknown>;
}

interface Case {
  readonly what: string;
  readonly parameters?: SourceRecord['parameters'];
  readonly spoil: (site: Site) => unknown;
  readonly mend: (site: Site) => unknown;
  /** What is audited; where that is nothing, the page says that the scope is stale. */
  readonly told: readonly string[];
}

const held = { told: ['source.removals-held'] };
const retired = { told: ['source.removals-held', 'source.scopes-retired'] };
const CASES: readonly Case[] = [
  {
    what: 'an empty list',
    spoil: ({ lose }) => {
      lose(MACHINES);
    },
    mend: ({ launch }) => {
      launch(MACHINES);
    },
    ...held,
  },
  {
    what: 'a list that lacks three tenths',
    spoil: ({ lose }) => {
      lose(SOME);
    },
    mend: ({ launch }) => {
      launch(SOME);
    },
    ...held,
  },
  {
    what: 'a refusal',
    spoil: ({ cloud }) => cloud.denied.add(ACCOUNT),
    mend: ({ cloud }) => cloud.denied.delete(ACCOUNT),
    told: ['source.access-refused'],
  },
  {
    what: 'an empty list after a refusal',
    spoil: async ({ cloud, lose, sweep }) => {
      cloud.denied.add(ACCOUNT);
      await sweep();
      cloud.denied.delete(ACCOUNT);
      lose(MACHINES);
    },
    mend: ({ launch }) => {
      launch(MACHINES);
    },
    told: ['source.access-refused', 'source.removals-held'],
  },
  {
    what: 'a third page of five that is throttled for good',
    spoil: ({ cloud }) => cloud.throttledPages.set(SCOPE, 3),
    mend: ({ cloud }) => cloud.throttledPages.clear(),
    told: [],
  },
  {
    what: 'the settings naming another region',
    spoil: ({ set }) => set({ regions: [HOME, 'eu-west-3'] }),
    mend: ({ set }) => set({ regions: [HOME, REGION] }),
    ...retired,
  },
  {
    what: 'a region being disabled',
    parameters: { regions: [] },
    spoil: ({ cloud }) => (cloud.regions = [HOME]),
    mend: ({ cloud }) => (cloud.regions = [HOME, REGION]),
    ...retired,
  },
];

for (const { what, parameters = {}, spoil, mend, told } of CASES)
  it(`${what} takes no machine away, is told once, and is over with the next listing`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'enchilada-removal-'));
    {
      await using cloud = await AwsStandIn.start();
      Object.assign(process.env, cloud.environment);
      Object.assign(cloud, { instancesPerPage: PER_PAGE, regions: [HOME, REGION] });
      await using store = sqlite({ file: join(directory, 'catalog.db') });
      await store.migrate();
      let aheadMs = 0;
      const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
      const places = { accounts: [ACCOUNT, OTHER_ACCOUNT], homeRegion: HOME, regions: [HOME, REGION] };
      const given = { ...places, endpoint: cloud.url, callsPerSecond: 1_000, checkExternalId: false, ...parameters };
      const record = aSource({ kind: 'aws', parameters: given });
      for (const account of places.accounts) cloud.roles.set(account, externalIdOf(record.id));
      const machine = (index: number) => ({
        ...{ InstanceId: idOf(index), State: { Code: 16, Name: 'running' as const } },
        PrivateIpAddress: `10.0.0.${index}`,
      });
      const launch = (count: number): void => {
        for (let index = 0; index < count; index++) cloud.put(ACCOUNT, REGION, machine(index));
      };
      launch(MACHINES);
      cloud.put(OTHER_ACCOUNT, HOME, machine(MACHINES));
      await store.now.discovery.insertSource(record);
      const audited: AuditEvent[] = [];
      const audit = { append: (event: AuditEvent) => Promise.resolve(void audited.push(event)) } as never;
      await using service = new DiscoveryService({
        ...{ store, audit, clock, random, nodeId: 'one', types: [aws({ clock })], protocols: { linux: 'proto' } },
        ...{ portOf: () => 22, report: () => undefined },
      });
      await service.start();
      const there = async (): Promise<number> =>
        (await store.now.catalog.listTargets()).filter(({ goneAt }) => goneAt === undefined).length;
      await until(async () => (await there()) === MACHINES + 1);
      const scopeOf = async () =>
        (await store.now.discovery.listScopes(record.id)).find(
          ({ account, region }) => account === ACCOUNT && region === REGION,
        );
      const site: Site = {
        ...{ cloud, launch, sweep: () => service.sweepNow(record.id) },
        lose: (count) => {
          for (let index = 0; index < count; index++) cloud.remove(ACCOUNT, REGION, idOf(index));
        },
        set: async (changed) => {
          const saved = await store.now.discovery.findSource(record.id);
          assert.ok(saved);
          await store.now.discovery.updateSource({ ...saved, parameters: { ...saved.parameters, ...changed } });
          await service.refresh();
        },
      };

      await spoil(site);
      // However many ask for it at once, it is told once.
      const askers = told.includes('source.removals-held') ? 2 : 1;
      for (let round = 0; round < 2; round++) {
        await Promise.all(Array.from({ length: askers }, () => service.sweepNow(record.id)));
        assert.equal(await there(), MACHINES + 1, `round ${round}`);
        aheadMs += MISSING_GRACE_MS;
      }
      const scope = await scopeOf();
      assert.equal(scope?.heldSince !== undefined, told.includes('source.removals-held'));
      assert.equal(scope?.staleSince !== undefined, scope?.heldSince === undefined);
      assert.deepEqual(audited.map(({ action }) => action).sort(), told);

      await mend(site);
      assert.ok((await service.sweepNow(record.id)).every(({ outcome }) => outcome === 'complete'));
      const mended = await scopeOf();
      assert.deepEqual(
        [mended?.heldSince, mended?.staleSince, mended?.retiredAt, mended?.held],
        [...[undefined, undefined, undefined], []],
      );
      assert.equal(await there(), MACHINES + 1);
      const missing = await store.now.discovery.countFound(record.id);
      assert.ok(missing.every((one) => one.missing === 0));
    }
    await rm(directory, { recursive: true });
  });
