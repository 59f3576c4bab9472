import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from './grant.ts';
import { effectBetween, type PolicyState } from './policy-effect.ts';

function grant(id: string, changes: Partial<Grant>): Grant {
  return {
    ...{ id, subject: { kind: 'group', id: 'ops' }, scope: { kind: 'all' }, actions: ['connect'] },
    ...{ createdAt: 0, createdBy: 'root' },
    ...changes,
  };
}

function state(grants: readonly Grant[], parts: Partial<PolicyState> = {}): PolicyState {
  const placed = (id: string, env: string) =>
    [id, { target: { id, groupId: undefined, labels: { env }, goneAt: undefined }, ancestors: [] }] as const;
  return {
    people: new Map([
      ['ann', ['ops']],
      ['ben', ['ops']],
      ['eve', []],
    ]),
    targets: new Map([placed('db', 'prod'), placed('web', 'dev')]),
    grants,
    ...parts,
  };
}

function words(before: PolicyState, after: PolicyState): string {
  return [...effectBetween(before, after, 1_000)]
    .map(([who, { gained, lost }]) => `${who} +${gained.join(',')} -${lost.join(',')}`)
    .join('; ');
}

const PROD = grant('prod', { scope: { kind: 'labels', selector: { env: ['prod'] } } });

test('grants that come and go together are judged together', () => {
  assert.equal(words(state([]), state([PROD])), 'ann +db -; ben +db -');
  const denial = grant('never', { effect: 'deny', subject: { kind: 'user', id: 'ben' } });
  assert.equal(words(state([]), state([PROD, denial])), 'ann +db -');
  assert.equal(words(state([PROD]), state([grant('same', { scope: PROD.scope })])), '');
});

test('who joins a group, and a machine whose label changes or that goes, count too', () => {
  const joined = state([PROD], { people: new Map([['eve', ['ops']]]) });
  assert.equal(words(state([PROD]), joined), 'ann + -db; ben + -db; eve +db -');
  const moved = state([PROD], {
    targets: new Map([
      ['web', { target: { id: 'web', groupId: undefined, labels: { env: 'prod' }, goneAt: undefined }, ancestors: [] }],
    ]),
  });
  assert.equal(words(state([PROD]), moved), 'ann +web -db; ben +web -db');
});
