import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testTarget } from '../../testing/authorized.ts';
import type { Grant, GrantScope } from './grant.ts';
import { allowedActions, groupAncestors } from './policy.ts';
import { authorizeJump, authorizeTarget } from './authorized-target.ts';
import { testLeave } from '../../testing/authorized.ts';

const groups = new Map([
  ['tgg_root', { id: 'tgg_root', parentId: undefined, name: 'all' }],
  ['tgg_child', { id: 'tgg_child', parentId: 'tgg_root', name: 'child' }],
  ['tgg_loop_a', { id: 'tgg_loop_a', parentId: 'tgg_loop_b', name: 'a' }],
  ['tgg_loop_b', { id: 'tgg_loop_b', parentId: 'tgg_loop_a', name: 'b' }],
]);
const machine = testTarget({
  id: 'tgt_1',
  protocol: 'x',
  host: 'h',
  port: 1,
  groupId: 'tgg_child',
  labels: { env: 'prod', team: 'core' },
});

function grant(scope: GrantScope, changes: Partial<Grant> = {}): Grant {
  return {
    id: 'grt_1',
    subject: { kind: 'user', id: 'usr_1' },
    scope,
    actions: ['connect'],
    createdAt: 0,
    createdBy: 'usr_0',
    ...changes,
  };
}

function actions(grants: readonly Grant[], target = machine): readonly string[] {
  return [
    ...allowedActions({ userId: 'usr_1', groupIds: ['grp_1'], grants }, target, groupAncestors(groups, target.groupId)),
  ];
}

describe('the access policy', () => {
  it('gives nothing without a grant, and nothing from the grants of others', () => {
    assert.deepEqual(actions([]), []);
    assert.deepEqual(
      actions([
        grant({ kind: 'all' }, { subject: { kind: 'user', id: 'usr_2' } }),
        grant({ kind: 'all' }, { subject: { kind: 'group', id: 'grp_2' } }),
      ]),
      [],
    );
    // A group's id is no user's, even where the text is equal.
    assert.deepEqual(actions([grant({ kind: 'all' }, { subject: { kind: 'group', id: 'usr_1' } })]), []);
  });

  it('covers by everything, by machine, by group and what is below it, and by labels', () => {
    assert.deepEqual(actions([grant({ kind: 'all' })]), ['connect']);
    assert.deepEqual(actions([grant({ kind: 'target', id: 'tgt_1' })]), ['connect']);
    assert.deepEqual(actions([grant({ kind: 'target', id: 'tgt_2' })]), []);
    assert.deepEqual(actions([grant({ kind: 'target-group', id: 'tgg_root' })]), ['connect']);
    assert.deepEqual(
      actions([grant({ kind: 'target-group', id: 'tgg_child' })], { ...machine, groupId: 'tgg_root' }),
      [],
    );
    assert.deepEqual(actions([grant({ kind: 'labels', selector: { env: ['prod', 'test'], team: ['core'] } })]), [
      'connect',
    ]);
    assert.deepEqual(actions([grant({ kind: 'labels', selector: { env: ['prod'], team: ['web'] } })]), []);
  });

  it('takes an empty selector and inherited names for no match at all', () => {
    assert.deepEqual(actions([grant({ kind: 'labels', selector: {} })]), []);
    assert.deepEqual(actions([grant({ kind: 'labels', selector: { absent: [''] } })]), []);
    assert.deepEqual(actions([grant({ kind: 'labels', selector: { constructor: [''] } })]), []);
  });

  it('joins the actions of all grants that apply', () => {
    const both = [
      grant({ kind: 'all' }),
      grant(
        { kind: 'target', id: 'tgt_1' },
        { subject: { kind: 'group', id: 'grp_1' }, actions: ['watch', 'connect'] },
      ),
    ];
    assert.deepEqual(actions(both).toSorted(), ['connect', 'watch']);
  });

  it('ends the walk up the groups at a loop and at a parent that is gone', () => {
    assert.deepEqual(groupAncestors(groups, 'tgg_loop_a'), ['tgg_loop_a', 'tgg_loop_b']);
    assert.deepEqual(groupAncestors(groups, 'tgg_gone'), ['tgg_gone']);
    assert.deepEqual(groupAncestors(groups, undefined), []);
  });

  it('answers an unknown and a forbidden machine alike, and lets a jump permit nothing of its own', () => {
    const { identity } = testLeave(machine);
    const none = { grants: [], groups };
    const texts = [undefined, machine].map((target) => {
      try {
        return authorizeTarget(identity, target, none);
      } catch (error) {
        return `${String(error)} ${JSON.stringify(error)}`;
      }
    });
    assert.equal(texts[0], texts[1]);
    const destination = testLeave({ ...machine, jumpTargetId: 'tgt_jump' });
    assert.equal(authorizeJump(destination, { ...machine, id: 'tgt_jump' }).actions.size, 0);
    assert.throws(() => authorizeJump(destination, { ...machine, id: 'tgt_other' }), { code: 'NOT_FOUND' });
  });
});
