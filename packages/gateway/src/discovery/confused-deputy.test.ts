// T47: whoever names another's account in a source of their own reads nothing there through us.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import type { AuditEvent } from '@enchilada/core/audit';
import { externalIdOf } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const [OURS, THEIRS, MIXED, REGION] = ['111111111111', '222222222222', '333333333333', 'eu-west-1'];

it('a source is refused by the role of an account that trusts another source, and what it holds of its own goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-deputy-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const source = (id: string, accounts: readonly string[]) =>
      aSource({
        id,
        kind: 'aws',
        parameters: { accounts, regions: [REGION], endpoint: cloud.url, callsPerSecond: 1_000 },
      });
    const [victim, attacker] = [source('src_a', [THEIRS]), source('src_b', [OURS, THEIRS, MIXED])];
    assert.notEqual(externalIdOf(victim.id), externalIdOf(attacker.id));
    cloud.roles
      .set(THEIRS, externalIdOf(victim.id))
      .set(OURS, externalIdOf(attacker.id))
      // It trusts the attacker's source, and what comes of it are credentials of the other.
      .set(MIXED, externalIdOf(attacker.id));
    cloud.mixedUp.set(MIXED, THEIRS);
    for (const account of [OURS, THEIRS])
      cloud.put(account, REGION, {
        ...{ InstanceId: `i-0000000${account.slice(0, 10)}`, State: { Code: 16, Name: 'running' } },
        ...{ PrivateIpAddress: '10.0.0.1', Tags: [{ Key: 'Name', Value: `of ${account}` }] },
      });
    for (const record of [victim, attacker]) await store.now.discovery.insertSource(record);
    const audited: AuditEvent[] = [];
    const audit = { append: (event: AuditEvent) => Promise.resolve(void audited.push(event)) } as never;
    await using service = new DiscoveryService({
      ...{
        store,
        clock,
        random,
        nodeId: 'one',
        types: [aws({ clock })],
        protocols: { linux: 'ssh' },
        portOf: () => 22,
      },
      ...{ audit, report: () => undefined },
    });
    await service.start();
    const health = async (id: string) =>
      (await store.now.discovery.listScopes(id)).map(({ account, lastSweepAt, staleSince, problem }) =>
        lastSweepAt === undefined && staleSince === undefined ? undefined : [account, problem?.code],
      );
    for (const id of [victim.id, attacker.id])
      await until(async () => {
        const scopes = await health(id);
        return scopes.length > 0 && scopes.every((scope) => scope !== undefined);
      });
    assert.deepEqual(await health(victim.id), [[THEIRS, undefined]]);
    assert.deepEqual(await health(attacker.id), [
      [OURS, undefined],
      [THEIRS, 'DISCOVERY_DENIED'],
      [MIXED, 'DISCOVERY_DENIED'],
    ]);
    const reasons = (await store.now.discovery.listScopes(attacker.id)).map(({ problem }) => problem?.detail ?? '');
    assert.match(reasons[1] ?? '', /^sts:AssumeRole in account 222222222222 was refused/u);
    assert.match(
      reasons[2] ?? '',
      /^sts:AssumeRole in account 333333333333 was answered with .* of account 222222222222/u,
    );
    const told = () =>
      audited
        .map(({ action, outcome, object, detail }) => [action, outcome, object?.id, detail])
        .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    const refused = (account: string | undefined) => [
      ...['source.access-refused', 'denied', attacker.id],
      { account, region: REGION, permission: 'sts:AssumeRole' },
    ];
    await until(() => audited.length > 1);
    assert.deepEqual(told(), [refused(THEIRS), refused(MIXED)]);
    assert.deepEqual(audited.map(({ reason }) => reason).sort(), reasons.slice(1).sort());
    assert.ok(
      (await service.sweepNow(attacker.id)).every(({ outcome }, index) => (outcome === 'failed') === index > 0),
    );
    assert.equal(told().length, 2, 'what goes on being refused is told once');
    // Each machine once, by the source that its account trusts.
    const found = await store.now.catalog.listTargets();
    assert.deepEqual(found.map(({ name }) => name).sort(), [`of ${OURS}`, `of ${THEIRS}`]);
    const theirs = found.find(({ name }) => name === `of ${THEIRS}`);
    assert.equal((await store.now.discovery.findByTarget(theirs?.id ?? ''))?.sourceId, victim.id);
    // No call for the attacker carried the id that the role asks for; beside it, whether the role asks for one at all was tried.
    const withIds = cloud.askedFor.filter(({ externalId }) => externalId !== undefined);
    const carried = new Set(withIds.filter(({ account }) => account !== THEIRS).map(({ externalId }) => externalId));
    assert.deepEqual([...carried], [externalIdOf(attacker.id)]);
    assert.ok(
      withIds.some(({ account, externalId }) => account === THEIRS && externalId === externalIdOf(attacker.id)),
    );
  }
  await rm(directory, { recursive: true });
});
