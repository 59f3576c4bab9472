import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { ApiProblem } from '@enchilada/contract';
import { decideForAll, type Grant, groupAncestors, TargetIndex } from '@enchilada/core/access';
import { startSite, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { GRANTS, type LargePolicy, largePolicy, PEOPLE, TARGETS, userId } from '../large-policy.ts';
import { cpuSeconds, residentKib } from '../measure.ts';
import { writePolicy } from '../write-policy.ts';

/** As many as nearly fill a file, which has a million at most. */
const ROWS = 950_000;
const LOOK_EVERY_MS = 100;
const MIB = 1_024;

/** How many people may keep their groups, the others only what is granted to themselves, until everything has so many rows. */
function peopleWithin({ targets, targetGroups, grants, membership }: LargePolicy, most: number): number {
  const groups = new Map(targetGroups.map((group) => [group.id, group]));
  const index = new TargetIndex(
    targets,
    new Map([...groups.keys()].map((id) => [id, groupAncestors(groups, id)] as const)),
  );
  const bySubject = new Map<string, Grant[]>();
  for (const grant of grants) bySubject.set(grant.subject.id, [...(bySubject.get(grant.subject.id) ?? []), grant]);
  const circumstances = { now: Date.now(), address: undefined, isMoment: true };
  const rowsOf = (person: number, groupIds: readonly string[]): number => {
    const own = [userId(person), ...groupIds].flatMap((id) => bySubject.get(id) ?? []);
    if (own.length === 0) return 0;
    const bits = decideForAll({ userId: userId(person), groupIds, grants: own, circumstances }, index);
    return bits.reduce((sum, each) => sum + (each === 0 ? 0 : 1), 0);
  };
  const alone = membership.map((_, person) => rowsOf(person, []));
  let rows = alone.reduce((sum, each) => sum + each, 0);
  let people = 0;
  for (; people < membership.length; people += 1) {
    rows += rowsOf(people, membership[people] ?? []) - (alone[people] ?? 0);
    if (rows > most) break;
  }
  return people;
}

/** Resident memory while something lasts: before, and the most that was seen. */
async function watched<T>(pid: number, work: Promise<T>): Promise<{ readonly done: T; readonly mostKib: number }> {
  let mostKib = 0;
  const over = work.then(
    () => true,
    () => true,
  );
  do mostKib = Math.max(mostKib, await residentKib(pid));
  while (!(await Promise.race([over, sleep(LOOK_EVERY_MS, false)])));
  return { done: await work, mostKib };
}

export const accessReport: Experiment = {
  figures: ['access-report-100k-seconds'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const site = owned.use(await startSite(place));
    const { api } = site.admin;
    const policy = largePolicy();
    const full = peopleWithin(policy, ROWS);
    const file = join(site.gateway.dataDir, 'enchilada.db');
    await writePolicy(file, {
      ...policy,
      membership: policy.membership.map((groups, person) => (person < full ? groups : [])),
    });
    say(`${TARGETS} machines and ${GRANTS} grants were written; ${full} of ${PEOPLE} people are in groups`);
    const { pid } = site.gateway;
    const beforeKib = await residentKib(pid);
    const cpuBefore = await cpuSeconds(pid);
    const begun = performance.now();
    const { at, rows } = await api.measureAccessReport({ query: {} });
    const measuredS = (performance.now() - begun) / 1_000;
    const since = performance.now();
    const { done: bytes, mostKib } = await watched(
      pid,
      (async () => {
        const { body } = await api.exportAccessReport({ query: { at, format: 'csv' } });
        let read = 0;
        for await (const piece of body ?? []) read += (piece as Uint8Array).length;
        return read;
      })(),
    );
    const seconds = (performance.now() - since) / 1_000;
    const cpu = (await cpuSeconds(pid)) - cpuBefore;

    {
      await using store = sqlite({ file });
      await store.transaction(async (tx) => {
        for (const [person, groups] of policy.membership.entries())
          if (person >= full) for (const id of groups) await tx.groups.addMember(id, userId(person));
      });
    }
    const asked = performance.now();
    const refusal = await api.measureAccessReport({ query: {} }).catch((problem: unknown) => problem);
    const refusedS = (performance.now() - asked) / 1_000;
    const isRefused = refusal instanceof ApiProblem && refusal.code === 'REPORT_TOO_LARGE';
    const rate = rows / seconds;
    return [
      {
        id: 'access-report-100k-seconds',
        value: seconds,
        alsoHolds: isRefused,
        how: `the report of everybody and everything as CSV, ${rows} rows in ${(bytes / 1e6).toFixed(0)} MB, ${TARGETS} machines, ${GRANTS} grants and ${PEOPLE} people of whom ${full} are in groups, so that it fits; from the request to its last byte, read as fast as it comes; ${rate.toFixed(0)} rows a second; resident memory ${(beforeKib / MIB).toFixed(0)} MiB before and at most ${(mostKib / MIB).toFixed(0)} MiB meanwhile; what the page asks first, how many rows there are, took ${measuredS.toFixed(1)} s; CPU of both ${cpu.toFixed(1)} s; with everybody in their groups it is refused after ${refusedS.toFixed(1)} s`,
        samples: { rows, bytes, seconds, measuredS, refusedS, beforeKib, mostKib, cpu },
      },
    ];
  },
};
