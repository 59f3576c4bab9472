import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { accountNumbers, CloudSite, machine } from '../cloud.ts';
import type { Experiment } from '../figure.ts';
import { cpuSeconds, residentKib } from '../measure.ts';

const ACCOUNTS = 60;
const REGIONS = ['eu-west-1', 'eu-central-1', 'us-east-1', 'ap-south-1'];
const MACHINES = 20_000;
const LIMIT_MS = 300_000;
const PER_PUT = 2_000;
/** Leases, and when a scope was last listed, are another table. */
const TABLES = ['target', 'target_group', 'found_machine', 'discovery_change', 'access_grant'];

/** Everything that the catalog and what was found hold. */
function contentOf(dataDir: string): string {
  using database = new DatabaseSync(join(dataDir, 'enchilada.db'), { readOnly: true });
  const hash = createHash('sha256');
  for (const table of TABLES)
    for (const row of database.prepare(`select * from "${table}" order by id`).iterate())
      hash.update(JSON.stringify(row));
  return hash.digest('hex');
}

/** The most that the process held while the work lasted. */
async function peakKib<T>(pid: number, work: Promise<T>): Promise<{ readonly kib: number; readonly value: T }> {
  let kib = 0;
  const look = async (): Promise<void> => {
    kib = Math.max(kib, await residentKib(pid));
  };
  const timer = setInterval(() => void look(), 100);
  try {
    const value = await work;
    await look();
    return { kib, value };
  } finally {
    clearInterval(timer);
  }
}

export const reconcile: Experiment = {
  figures: ['reconcile-20k-seconds', 'reconcile-20k-mb'],
  async run(_wanted, say) {
    const accounts = accountNumbers(ACCOUNTS);
    await using cloud = await CloudSite.start({ accounts, regions: REGIONS });
    const scopes = accounts.flatMap((account) => REGIONS.map((region) => ({ account, region })));
    const machines = Array.from({ length: MACHINES }, (_, number) =>
      machine(number, scopes[number % scopes.length] ?? { account: '', region: '' }),
    );
    for (let at = 0; at < MACHINES; at += PER_PUT) await cloud.put(machines.slice(at, at + PER_PUT));
    const { pid, dataDir } = cloud.site.gateway;
    const before = await residentKib(pid);
    const cpuBefore = await cpuSeconds(pid);
    const farBefore = await cpuSeconds(cloud.cloud.pid);
    const { kib, value: seconds } = await peakKib(pid, cloud.switchOn(LIMIT_MS));
    const cpu = (await cpuSeconds(pid)) - cpuBefore;
    const far = (await cpuSeconds(cloud.cloud.pid)) - farBefore;
    const mb = (kib - before) / 1_024;
    say(`the first listing took ${seconds.toFixed(1)} s, ${mb.toFixed(0)} MB more`);
    const { api } = cloud.site.admin;
    const { total } = await api.listTargets({ query: { text: 'host-', limit: 1 } });
    const content = contentOf(dataDir);
    const since = performance.now();
    const again = await api.sweepSource({ params: { id: cloud.sourceId } });
    const steady = (performance.now() - since) / 1_000;
    const isSame = contentOf(dataDir) === content;
    say(`again with nothing changed: ${steady.toFixed(1)} s, ${isSame ? 'nothing' : 'something'} was written`);
    const isComplete = total === MACHINES && again.seen === MACHINES && again.complete === scopes.length;
    const alsoHolds = isComplete && again.changes === 0 && isSame;
    const how = `${MACHINES} instances in ${ACCOUNTS} accounts × ${REGIONS.length} regions into an empty catalog (SQLite), from the switching on of the source until every scope is listed and every machine is stored; gateway CPU ${cpu.toFixed(1)} s, the stand-in's ${far.toFixed(1)} s; listed again with nothing changed in ${steady.toFixed(1)} s: ${isSame ? 'no row of' : 'rows were written to'} the catalog, groups, grants, what was found or the timeline`;
    return [
      { id: 'reconcile-20k-seconds', value: seconds, alsoHolds, how, samples: { total, again, cpu, far, steady } },
      {
        id: 'reconcile-20k-mb',
        value: mb,
        alsoHolds,
        how: `the most resident memory of the gateway, read every 100 ms, less what it had before; ${how}`,
        samples: { beforeKib: before, peakKib: kib },
      },
    ];
  },
};
