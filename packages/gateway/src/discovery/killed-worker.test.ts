// R30: workers are killed in the middle of their work, again and again. No event is lost, none has an effect twice.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsStandIn, EventQueue, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';

const SOAK = process.env['TEST_SOAK'] === '1';
/** Five minutes, or as many as are asked for. */
const KILLS = SOAK ? 12 * Number(process.env['TEST_SOAK_MINUTES'] ?? 5) : 4;
const BETWEEN_MS = SOAK ? 5_000 : 1_500;
const EACH_TIME = 25;
const WAIT_MS = 180_000;
const ACCOUNT = '111111111111';
/** Its cloud answers no listing, so that whoever sweeps it is killed while doing so. */
const SILENT = '222222222222';
const LEASE_MOVES_WITHIN_MS = 15_000;
const REGION = 'eu-west-1';
const WORKER = join(import.meta.dirname, '..', 'testing', 'discovery-worker.ts');
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;

async function kill(worker: ChildProcess): Promise<void> {
  const gone = once(worker, 'exit');
  worker.kill('SIGKILL');
  await gone;
}

/** How long the scope that is never done lay between one worker's end and the next one's beginning. */
function movesOf({ unanswered }: AwsStandIn): readonly number[] {
  return unanswered.slice(1).map(({ since }, index) => {
    const { until } = unanswered[index] ?? {};
    assert.ok(until !== undefined && until <= since, 'two workers swept one account at once');
    return since - until;
  });
}

it('workers that are killed in the middle of it lose no event and do nothing twice', async (test) => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-killed-'));
  {
    await using cloud = await AwsStandIn.start();
    await using queue = await EventQueue.start();
    const file = join(directory, 'catalog.db');
    await using store = sqlite({ file });
    await store.migrate();
    const record = aSource({
      kind: 'aws',
      parameters: {
        ...{ accounts: [ACCOUNT, SILENT], regions: [REGION], endpoint: cloud.url, queueUrl: queue.url },
        callsPerSecond: 1_000,
      },
    });
    for (const account of [ACCOUNT, SILENT]) cloud.roles.set(account, externalIdOf(record.id));
    cloud.silent.add(SILENT);
    await store.now.discovery.insertSource(record);
    const start = (): ChildProcess =>
      spawn(process.execPath, ['--conditions=source', WORKER, file], {
        env: { ...process.env, ...cloud.environment },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    const workers = [start(), start()];
    try {
      let launched = 0;
      for (let round = 0; round < KILLS; round++) {
        const bodies: string[] = [];
        for (let index = 0; index < EACH_TIME; index++) {
          const id = idOf(launched++);
          const running = { Code: 16, Name: 'running' } as const;
          cloud.put(ACCOUNT, REGION, { InstanceId: id, State: running, PrivateIpAddress: `10.0.0.${launched % 250}` });
          bodies.push(stateChange({ account: ACCOUNT, region: REGION, id }, 'running'));
          // Every fifth ends at once, and its events come in either order.
          if (index % 5 !== 0) continue;
          cloud.put(ACCOUNT, REGION, { InstanceId: id, State: { Code: 48, Name: 'terminated' } });
          bodies.unshift(stateChange({ account: ACCOUNT, region: REGION, id }, 'terminated'));
        }
        await queue.send(...bodies);
        await sleep(BETWEEN_MS);
        const victim = workers.shift();
        if (victim !== undefined) await kill(victim);
        workers.push(start());
      }
      const wanted = Array.from({ length: launched }, (_, index) => index).filter(
        (index) => (index % EACH_TIME) % 5 !== 0,
      );
      const present = async () => (await store.now.catalog.listTargets()).filter(({ goneAt }) => goneAt === undefined);
      for (const end = performance.now() + WAIT_MS; (await present()).length < wanted.length;) {
        assert.ok(performance.now() < end, `only ${(await present()).length} of ${wanted.length} machines are there`);
        await sleep(100);
      }
      const targets = await present();
      assert.deepEqual(targets.map(({ labels }) => labels['cloud:id']).sort(), wanted.map(idOf).sort());
      const { items } = await store.now.discovery.listChanges({ limit: 10_000 });
      const told = items
        .filter(({ kind }) => kind === 'appeared' || kind === 'gone')
        .map((one) => `${one.kind} ${one.nativeId}`);
      assert.equal(told.length, new Set(told).size, 'nothing appeared or went twice');
      assert.deepEqual(await queue.dead(), []);
      await until(async () => {
        const { waiting, held } = await queue.depth();
        return waiting + held === 0;
      });
      // Both that live now began after the sweeper was killed, or are the one that sweeps.
      await until(() => cloud.unanswered.length > 1 && cloud.unanswered.at(-1)?.until === undefined);
      const moves = movesOf(cloud);
      const longest = Math.max(...moves);
      test.diagnostic(
        `${KILLS} kills, ${launched} launches, ${told.length} lines of the timeline; a scope moved ${moves.length} times, within ${(longest / 1_000).toFixed(1)} s at most`,
      );
      if (SOAK) assert.ok(longest <= LEASE_MOVES_WITHIN_MS, `a lease moved after ${longest} ms`);
    } finally {
      await Promise.all(workers.map(kill));
    }
  }
  await rm(directory, { recursive: true });
});
