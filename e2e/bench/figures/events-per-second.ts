import { setTimeout as sleep } from 'node:timers/promises';
import { stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { accountNumbers, CloudSite, machine, type Placed } from '../cloud.ts';
import type { Experiment } from '../figure.ts';
import { cpuSeconds } from '../measure.ts';

const SCOPES = 10;
/** More than is asked for, so that what is taken in can be as much. */
const OFFERED_A_SECOND = 520;
const SECONDS = 60;
const TICK_MS = 100;
/** Every fifth message is one that was sent before. */
const DUPLICATE_EVERY = 5;
/** Machines that start and stop; several seconds lie between two events of one. */
const KNOWN = 4_000;
/** Of four new events one is a launch. */
const LAUNCH_EVERY = 4;
const BACKLOG_SECONDS = 1;
const LIMIT_MS = 120_000;

interface Found {
  readonly perSecond: number;
  readonly backlogSeconds: number;
  readonly how: string;
}

/** The events of a fleet, in the order in which they happen, with those that come twice. */
class Fleet {
  readonly #where = accountNumbers(SCOPES).map((account) => ({ account, region: 'eu-west-1' }));
  readonly #machines: Placed[] = [];
  readonly #sent: string[] = [];
  #events = 0;

  get accounts(): readonly string[] {
    return this.#where.map(({ account }) => account);
  }

  launch(): Placed {
    const number = this.#machines.length;
    const launched = machine(number, this.#where[number % SCOPES] ?? { account: '', region: '' });
    this.#machines.push(launched);
    return launched;
  }

  /** The next message, and the machine as it is from now on. */
  next(): { readonly body: string; readonly changed?: Placed } {
    this.#events += 1;
    const again = this.#events % DUPLICATE_EVERY === 0 ? this.#sent[this.#sent.length - 7] : undefined;
    if (again !== undefined) return { body: again };
    const changed = this.#events % LAUNCH_EVERY === 0 ? this.launch() : this.#turn(this.#events % KNOWN);
    const body = stateChange(changed, changed.state);
    this.#sent.push(body);
    return { body, changed };
  }

  #turn(index: number): Placed {
    const before = this.#machines[index] ?? this.launch();
    const after = { ...before, state: before.state === 'running' ? ('stopped' as const) : ('running' as const) };
    this.#machines[index] = after;
    return after;
  }
}

async function sustain(database: string, say: (words: string) => void, databaseUrl?: string): Promise<Found> {
  const fleet = new Fleet();
  await using cloud = await CloudSite.start({
    ...{ accounts: fleet.accounts, regions: ['eu-west-1'] },
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  });
  await cloud.put(Array.from({ length: KNOWN }, () => fleet.launch()));
  await cloud.switchOn(LIMIT_MS);
  const pids = [cloud.site.gateway.pid, cloud.cloud.pid, cloud.queue.pid];
  const before = await Promise.all(pids.map(cpuSeconds));
  const since = performance.now();
  const end = since + SECONDS * 1_000;
  let sent = 0;
  for (let now = since; now < end; now = performance.now()) {
    const due = Math.floor(((now - since) / 1_000) * OFFERED_A_SECOND) - sent;
    const events = Array.from({ length: due }, () => fleet.next());
    await cloud.put(events.flatMap(({ changed }) => changed ?? []));
    await cloud.queue.ask({ kind: 'send', bodies: events.map(({ body }) => body) });
    sent += due;
    await sleep(Math.max(0, TICK_MS - (performance.now() - now)));
  }
  const seconds = (performance.now() - since) / 1_000;
  const { waiting = 0, held = 0 } = await cloud.queue.ask({ kind: 'depth' });
  const after = await Promise.all(pids.map(cpuSeconds));
  const [gateway, ec2, queue] = after.map((spent, index) => (spent - (before[index] ?? 0)).toFixed(1));
  const backlogSeconds = (waiting + held) / (sent / seconds);
  const perSecond = (sent - waiting - held) / seconds;
  const how = `${database}: ${sent} messages sent in ${seconds.toFixed(1)} s, ${waiting} waiting and ${held} received and not ended at the end, ${backlogSeconds.toFixed(2)} s of sending; CPU of the gateway ${gateway ?? ''} s, of the stand-ins in processes of their own ${ec2 ?? ''} s (EC2) and ${queue ?? ''} s (queue and sender)`;
  say(how);
  return { perSecond, backlogSeconds, how };
}

export const eventsPerSecond: Experiment = {
  figures: ['events-per-second'],
  async run(_wanted, say) {
    const embedded = await sustain('SQLite', say);
    await using server = await startPostgres();
    const served = await sustain('PostgreSQL', say, await server.createDatabase());
    const both = [embedded, served];
    return [
      {
        id: 'events-per-second',
        value: Math.min(...both.map(({ perSecond }) => perSecond)),
        alsoHolds: both.every(({ backlogSeconds }) => backlogSeconds < BACKLOG_SECONDS),
        how: `messages taken in and deleted a second for ${SECONDS} s on one node, ${SCOPES} scopes, every fifth message one that was sent before, of the others a quarter launches and the rest starts and stops of ${KNOWN} machines; the slower of both databases. ${both.map(({ how }) => how).join('. ')}`,
        samples: { embedded, served },
      },
    ];
  },
};
