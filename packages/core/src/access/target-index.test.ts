import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GRANT_ACTIONS, type Grant, type GrantScope } from './grant.ts';
import { decideFor, groupAncestors, type PlacedTarget } from './policy.ts';
import { actionsOf, decideForAll, TargetIndex } from './target-index.ts';

const GROUPS = new Map(
  [
    { id: 'root', parentId: undefined },
    { id: 'child', parentId: 'root' },
    { id: 'other', parentId: undefined },
  ].map((group) => [group.id, { ...group, name: group.id }]),
);
const ANCESTORS = new Map([...GROUPS.keys()].map((id) => [id, groupAncestors(GROUPS, id)]));

const value = fc.constantFrom('a', 'b', 'c');
const labels = fc.dictionary(fc.constantFrom('env', 'team', 'tag:x', 'cloud:placed-by', 'constructor'), value);
const target = (index: number): fc.Arbitrary<PlacedTarget> =>
  fc.record({
    id: fc.constant(`t${index}`),
    groupId: fc.constantFrom(undefined, 'root', 'child', 'other', 'gone'),
    labels,
    goneAt: fc.constantFrom(undefined, undefined, undefined, 5),
  });
const scope: fc.Arbitrary<GrantScope> = fc.oneof(
  fc.constant({ kind: 'all' as const }),
  fc.record({ kind: fc.constant('target' as const), id: fc.constantFrom('t0', 't1', 't2', 'none') }),
  fc.record({ kind: fc.constant('target-group' as const), id: fc.constantFrom('root', 'child', 'other', 'gone') }),
  fc.record({
    kind: fc.constant('labels' as const),
    selector: fc.dictionary(
      fc.constantFrom('env', 'team', 'tag:x', 'constructor', '__proto__'),
      fc.array(value, { maxLength: 3 }),
    ),
  }),
);
const grant: fc.Arbitrary<Grant> = fc.record({
  id: fc.constant('g'),
  subject: fc.constantFrom(
    { kind: 'user' as const, id: 'ann' },
    { kind: 'user' as const, id: 'eve' },
    { kind: 'group' as const, id: 'ops' },
    { kind: 'group' as const, id: 'dev' },
  ),
  scope,
  actions: fc.uniqueArray(fc.constantFrom(...GRANT_ACTIONS), { minLength: 1 }),
  effect: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
  conditions: fc.constantFrom({}, {}, { notAfter: 50 }, { networks: ['10.0.0.0/8'] }),
  createdAt: fc.constant(0),
  createdBy: fc.constant('root'),
});

test('whoever asks for all targets at once is answered as for each of them', () => {
  fc.assert(
    fc.property(
      fc.tuple(...[0, 1, 2, 3].map(target)),
      fc.array(grant, { maxLength: 8 }),
      fc.constantFrom(undefined, '10.1.1.1', '192.0.2.1'),
      (targets, grants, address) => {
        const view = { userId: 'ann', groupIds: ['ops'], grants, circumstances: { now: 100, address } };
        const index = new TargetIndex(targets, ANCESTORS);
        const decide = decideFor(view);
        const bits = decideForAll(view, index);
        for (const [at, one] of targets.entries())
          assert.deepEqual([...actionsOf(bits[at] ?? 0)].sort(), [...decide(one, index.ancestors[at] ?? [])].sort());
      },
    ),
    { seed: 11, numRuns: 3_000 },
  );
});
