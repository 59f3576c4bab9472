import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rule } from '@enchilada/core/discovery';
import { grantsIn } from './rule-grants.ts';

const GIVING: Rule = {
  name: 'payments',
  enabled: true,
  match: { labels: { team: ['payments'] } },
  outcome: { grants: { groups: ['grp_payments'], actions: ['connect'] } },
} as Rule;
const PLACING: Rule = { name: 'placed', enabled: true, match: {}, outcome: { group: 'Fleet' } };

test('whoever changes which machines a granting rule is for changes what it grants, and nobody else does', () => {
  const before = grantsIn([GIVING, PLACING]);
  assert.notEqual(grantsIn([{ ...GIVING, match: {} }, PLACING]), before);
  assert.notEqual(grantsIn([{ ...GIVING, enabled: false }, PLACING]), before);
  assert.equal(grantsIn([{ ...PLACING, match: GIVING.match }, GIVING]), before);
  const { name, enabled, match, outcome } = GIVING;
  assert.equal(grantsIn([{ outcome, match, enabled, name }]), before);
});
