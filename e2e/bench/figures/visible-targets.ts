import { join } from 'node:path';
import { Person } from '../../product/index.ts';
import { ADMIN } from '../../tests/site.ts';
import { startSite, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { GRANTS, largePolicy, TARGETS, userId } from '../large-policy.ts';
import { median, percentile, rounded } from '../measure.ts';
import { nameOf, writePolicy } from '../write-policy.ts';

/** More than the gateway keeps lists for, so that most of what is asked is worked out anew. */
const ASKERS = 120;
const ROUNDS = 3;

export const visibleTargets: Experiment = {
  figures: ['visible-targets-100k-ms'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const profile = process.env['BENCH_PROFILE'];
    const site = owned.use(await startSite(place, 'strict', profile));
    const since = performance.now();
    await writePolicy(join(site.gateway.dataDir, 'enchilada.db'), largePolicy());
    say(
      `${TARGETS} machines and ${GRANTS} grants were written in ${((performance.now() - since) / 1000).toFixed(0)} s`,
    );
    const { url } = site.gateway;
    const people: Person[] = [];
    for (let index = 0; index < ASKERS; index += 1)
      people.push(await Person.signIn(url, { username: nameOf(index), password: ADMIN.password }));
    const ask = async (person: Person): Promise<{ readonly ms: number; readonly total: number }> => {
      const begun = performance.now();
      const { total } = await person.api.listMachines({ query: {} });
      return { ms: performance.now() - begun, total };
    };
    const first = await ask(people[0] ?? site.admin);
    say(`the first list after the change took ${first.ms.toFixed(0)} ms`);
    const took: number[] = [];
    const totals: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      for (const person of people) {
        const { ms, total } = await ask(person);
        took.push(ms);
        totals.push(total);
      }
    // Somebody is given a grant: everybody's list may be another one.
    const again: number[] = [];
    for (let change = 0; change < 5; change += 1) {
      await site.admin.api.createGrant({
        body: {
          subject: { kind: 'user', id: userId(change) },
          scope: { kind: 'target', id: `tgt_bench${change}` },
          actions: ['connect'],
        },
      });
      again.push((await ask(people[change] ?? site.admin)).ms);
    }
    return [
      {
        id: 'visible-targets-100k-ms',
        value: percentile(took, 0.95),
        how: `GET /machines over TLS, the first page of 100 and the count, by each of ${ASKERS} people in turn, ${ROUNDS} times, ${TARGETS} machines and ${GRANTS} grants, ${median(totals)} machines of one's own in the median; the gateway keeps the lists of fewer people than ask; 95th percentile; median ${median(took).toFixed(1)} ms; the first list after everything was written ${first.ms.toFixed(0)} ms; right after a grant was given ${median(again).toFixed(0)} ms in the median of ${again.length}`,
        samples: { ours: rounded(took, 1), afterGrant: rounded(again, 1) },
      },
    ];
  },
};
