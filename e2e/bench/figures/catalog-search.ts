import { join } from 'node:path';
import type { Grant, GrantScope } from '@enchilada/core/access';
import { Person } from '../../product/index.ts';
import { ADMIN } from '../../tests/site.ts';
import { startSite, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { largePolicy, TARGETS, userId } from '../large-policy.ts';
import { cpuSeconds, median, percentile, rounded } from '../measure.ts';
import { nameOf, writePolicy } from '../write-policy.ts';

const ROUNDS = 40;
const ADMINISTRATION = 'the administration';

interface Needle {
  readonly kind: string;
  readonly query: { readonly text?: string; readonly label?: string };
}

const NEEDLES: readonly Needle[] = [
  { kind: 'the first letter', query: { text: 'm' } },
  { kind: 'the beginning of every name', query: { text: 'machine-' } },
  { kind: 'the beginning of a hundred names', query: { text: 'machine-0471' } },
  { kind: 'the middle of a name', query: { text: '4711' } },
  { kind: 'an address', query: { text: '10.1.44.17' } },
  { kind: 'a label', query: { label: 'owner:team-77' } },
  { kind: 'a label as words', query: { text: 'owner:team-77' } },
  { kind: 'three words', query: { text: 'prod eu-west-1 team-7' } },
  { kind: 'nothing that exists', query: { text: 'no-such-machine' } },
];

function grantTo(index: number, scope: GrantScope): Grant {
  const subject = { kind: 'user' as const, id: userId(index) };
  return { id: `gra_search${index}`, subject, scope, actions: ['connect'], createdAt: 0, createdBy: userId(0) };
}

/** Person 0 may use every machine, person 1 those of one team. */
const GRANTS: readonly Grant[] = [
  grantTo(0, { kind: 'labels', selector: { tier: ['0', '1', '2'] } }),
  grantTo(1, { kind: 'labels', selector: { owner: ['team-77'] } }),
];

export const catalogSearch: Experiment = {
  figures: ['catalog-search-100k-ms'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const site = owned.use(await startSite(place, 'strict', process.env['BENCH_PROFILE']));
    await writePolicy(join(site.gateway.dataDir, 'enchilada.db'), {
      ...largePolicy(),
      ...{ grants: GRANTS, userGroups: [], membership: [[], []] },
    });
    say(`${TARGETS} machines were written`);
    const signIn = (index: number) =>
      Person.signIn(site.gateway.url, { username: nameOf(index), password: ADMIN.password });
    const [all, few] = [await signIn(0), await signIn(1)];
    const askers = {
      'grants on all': (query: Needle['query']) => all.api.listMachines({ query }),
      'grants on few': (query: Needle['query']) => few.api.listMachines({ query }),
      [ADMINISTRATION]: ({ text = '' }: Needle['query']) => site.admin.api.listTargets({ query: { text } }),
    };
    const took = new Map<string, number[]>();
    const totals: Record<string, number> = {};
    // The first round reads the catalog and is not counted.
    let cpuBefore = 0;
    for (let round = 0; round <= ROUNDS; round += 1) {
      if (round === 1) cpuBefore = await cpuSeconds(site.gateway.pid);
      for (const { kind, query } of NEEDLES)
        for (const [asker, search] of Object.entries(askers)) {
          // Administrators narrow by words; the label is a filter of one's own list.
          if (asker === ADMINISTRATION && query.label !== undefined) continue;
          const since = performance.now();
          const { total } = await search(query);
          const ms = performance.now() - since;
          const key = `${asker}, ${kind}`;
          totals[key] = total;
          if (round > 0) took.set(key, [...(took.get(key) ?? []), ms]);
        }
    }
    const cpu = (await cpuSeconds(site.gateway.pid)) - cpuBefore;
    const slowest = [...took]
      .map(([key, values]) => ({ key, p95: percentile(values, 0.95) }))
      .toSorted((a, b) => b.p95 - a.p95);
    const [worst] = slowest;
    if (worst === undefined) throw new Error('nothing was asked');
    for (const { key, p95 } of slowest) say(`${p95.toFixed(1)} ms: ${key}, ${totals[key] ?? 0} found`);
    const every = [...took.values()].flat();
    const ofFew = totals['grants on few, the beginning of every name'] ?? 0;
    return [
      {
        id: 'catalog-search-100k-ms',
        value: worst.p95,
        // A search that finds nothing or everything where it must not would be quick for a wrong reason.
        alsoHolds:
          totals['grants on all, the beginning of every name'] === TARGETS &&
          totals['grants on all, an address'] === 11 &&
          totals['grants on all, a label'] === ofFew &&
          totals['grants on all, nothing that exists'] === 0,
        how: `over TLS, the first page of 100 and the count, ${NEEDLES.length} kinds of needles by a person with grants on all ${TARGETS} machines, one with grants on ${ofFew}, and the administration, ${ROUNDS} times each in turn; the 95th percentile of the slowest kind (${worst.key}); of all together ${percentile(every, 0.95).toFixed(1)} ms, median ${median(every).toFixed(1)} ms; gateway CPU ${((1_000 * cpu) / every.length).toFixed(1)} ms a search`,
        samples: Object.fromEntries([...took].map(([key, values]) => [key, rounded(values, 1)])),
      },
    ];
  },
};
