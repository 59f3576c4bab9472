// R30: workers are killed in the middle of their work, again and again. No event is lost, none has an effect twice.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsStandIn, EventQueue, QueueDoor, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock } from '../clock.ts';

const SOAK = process.env['TEST_SOAK'] === '1';
/** Five minutes, or as many as are asked for. */
const KILLS = SOAK ? 12 * Number(process.env['TEST_SOAK_MINUTES'] ?? 5) : 4;
const BETWEEN_MS = SOAK ? 5_000 : 1_500;
const EACH_TIME = 25;
const WAIT_MS = 180_000;
/** What of the workers' words a failure shows. */
const SAID = 40;
const ACCOUNT = '111111111111';
/** Its cloud answers no listing, so that whoever sweeps it is killed while doing so. */
const SILENT = '222222222222';
/** From the end of its holder. */
const LEASE_MOVES_WITHIN_MS = 15_000;
const REGION = 'eu-west-1';
const WORKER = join(import.meta.dirname, '..', 'testing', 'discovery-worker.ts');
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;

/** Of each worker that was killed: when. */
const killedAt = new Map<string, number>();

async function kill(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = once(worker, 'exit');
  killedAt.set(`worker-${worker.pid ?? 0}`, clock.now());
  worker.kill('SIGKILL');
  await gone;
}

function inDatabase<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Every change of who holds the lease is written down in the transaction that makes it: no look from outside sees a holder that is killed at once. */
function writeDownLeases(database: DatabaseSync): void {
  database.exec(`
    create table lease_history (at integer not null, holder text, before text, expired integer not null);
    create trigger lease_moved after update of lease_holder on discovery_scope
    when new.account = '${SILENT}' and new.lease_holder is not old.lease_holder
    begin
      insert into lease_history
      values (cast(unixepoch('subsec') * 1000 as integer), new.lease_holder, old.lease_holder, old.lease_until);
    end`);
}

interface Move {
  readonly afterKillMs: number;
  readonly afterExpiryMs: number;
}

/** From the end of whoever held the lease to the next one's taking it. A holder that is killed before it asks the cloud has held it all the same. */
function movesOf(database: DatabaseSync): readonly Move[] {
  const all = database.prepare('select at, before, expired from lease_history where holder is not null order by rowid');
  return all.all().flatMap(({ at, before, expired }) => {
    const killed = killedAt.get(String(before));
    return killed === undefined
      ? []
      : [{ afterKillMs: Number(at) - killed, afterExpiryMs: Number(at) - Number(expired) }];
  });
}

/** One after the other, in the eyes of the cloud. */
function requireOneAtATime({ unanswered }: AwsStandIn): void {
  for (const [index, { since }] of unanswered.slice(1).entries()) {
    const { until } = unanswered[index] ?? {};
    assert.ok(until !== undefined && until <= since, 'two workers swept one account at once');
  }
}

it('workers that are killed in the middle of it lose no event and do nothing twice', async (test) => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-killed-'));
  let asked = 0;
  const file = join(directory, 'catalog.db');
  {
    await using cloud = await AwsStandIn.start();
    await using queue = await EventQueue.start();
    await using door = await QueueDoor.before(queue.url);
    door.forgetsTheDead = true;
    {
      await using empty = sqlite({ file });
      await empty.migrate();
    }
    inDatabase(file, writeDownLeases);
    await using store = sqlite({ file });
    const record = aSource({
      kind: 'aws',
      parameters: {
        ...{ accounts: [ACCOUNT, SILENT], regions: [REGION], endpoint: cloud.url, queueUrl: door.url },
        callsPerSecond: 1_000,
      },
    });
    for (const account of [ACCOUNT, SILENT]) cloud.roles.set(account, externalIdOf(record.id));
    cloud.silent.add(SILENT);
    await store.now.discovery.insertSource(record);
    const workers: ChildProcess[] = [];
    const said: string[] = [];
    // INVARIANT: whoever is killed was at work, and so is somebody else: what is measured is the lease and not how long a process takes to start.
    const start = async (): Promise<void> => {
      const worker = spawn(process.execPath, ['--conditions=source', WORKER, file], {
        env: { ...process.env, ...cloud.environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      workers.push(worker);
      worker.stderr.on('data', (words: Buffer) => said.push(`${worker.pid ?? 0} ${words.toString().trimEnd()}`));
      const ended = once(worker, 'exit').then(([code]) => {
        if (worker.signalCode === null) said.push(`${worker.pid ?? 0} ended by itself with ${String(code)}`);
        assert.fail('a worker ended before it was at work');
      });
      await Promise.race([once(worker.stdout, 'data'), ended]);
    };
    try {
      await Promise.all([start(), start()]);
      // Whoever sweeps the silent account is one of the two, and both will be killed.
      await until(() => cloud.unanswered.length > 0);
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
        await start();
      }
      const wanted = Array.from({ length: launched }, (_, index) => index).filter(
        (index) => (index % EACH_TIME) % 5 !== 0,
      );
      const present = async () => (await store.now.catalog.listTargets()).filter(({ goneAt }) => goneAt === undefined);
      for (const end = performance.now() + WAIT_MS; (await present()).length < wanted.length;) {
        if (performance.now() > end)
          assert.fail(
            `only ${(await present()).length} of ${wanted.length} machines are there; the queue has ${JSON.stringify(await queue.depth())}, beside it ${(await queue.dead()).length}; the workers ${workers.map(({ pid }) => pid).join(' and ')} are left and were heard to say:\n${said.slice(-SAID).join('\n')}`,
          );
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
      requireOneAtATime(cloud);
      asked = cloud.unanswered.length;
      test.diagnostic(`${KILLS} kills, ${launched} launches, ${told.length} lines of the timeline`);
    } finally {
      await Promise.all(workers.map(kill));
    }
  }
  const moves = inDatabase(file, movesOf);
  assert.ok(moves.length > 0, 'no lease moved');
  const longest = Math.max(...moves.map(({ afterKillMs }) => afterKillMs));
  const longestWait = Math.max(...moves.map(({ afterExpiryMs }) => afterExpiryMs));
  test.diagnostic(
    `a lease moved ${moves.length} times, at most ${longest} ms after its holder was killed and ${longestWait} ms after its end; the cloud was asked ${asked} times`,
  );
  if (SOAK) assert.ok(longest <= LEASE_MOVES_WITHIN_MS, `a lease moved after ${longest} ms`);
  await rm(directory, { recursive: true });
});
