import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPolicy } from './policy-file.ts';

function problems(text: string): readonly string[] {
  return readPolicy(text).problems.map(({ line, message }) => `${line}: ${message}`);
}

test('a file says who may do what, and what it leaves out is as it always is', () => {
  const { policy, problems: none } = readPolicy(`
groups:
  - name: ops
    members: [anna]
targets:
  - { name: db1, protocol: ssh, host: db1.example.org, labels: { env: prod, tier: 1.10 } }
grants:
  - group: ops
    labels: { env: [dev, test], owner: payments }
    conditions:
      until: 2030-01-01
      secondFactor: { level: passkey, minutes: 15 }
      times: { zone: Europe/Berlin, windows: [{ days: [1, 2], from: "08:00", to: "18:00" }] }
      approval: { groups: leads }
  - { user: eve, all: true, effect: deny, actions: [connect, view-only, watch] }
`);
  assert.deepEqual(none, []);
  assert.equal(policy.rules, undefined);
  assert.deepEqual(policy.targets?.[0]?.labels, { env: 'prod', tier: '1.10' });
  const [ops, eve] = policy.grants ?? [];
  assert.deepEqual(ops?.scope, { kind: 'labels', selector: { env: ['dev', 'test'], owner: ['payments'] } });
  assert.deepEqual([ops.actions, ops.effect, ops.conditions.notAfter], [['connect'], 'allow', Date.UTC(2030, 0, 1)]);
  assert.deepEqual(ops.conditions.approval, { groups: [{ name: 'leads', line: 14 }], count: 1, minutes: 480 });
  assert.deepEqual(ops.conditions.secondFactor, { level: 'passkey', minutes: 15 });
  assert.deepEqual(
    [eve?.effect, eve?.actions, eve?.scope],
    ['deny', ['connect', 'view-only', 'watch'], { kind: 'all' }],
  );
});

test('every mistake is told at once, with its line and the nearest name', () => {
  assert.deepEqual(
    problems(`groups:
  - name: ops
    requireSecondFactor: true
  - name: Ops
grant: []
grants:
  - group: ops
    actions: [conect]
    all: true
  - group: ops
    user: eve
    all: true
  - group: ops
    targetgroup: A
targets:
  - name: a
    protocol: ssh
    host: h
    port: 70000
targetGroups: [A//B]
`),
    [
      '3: groups[1].requireSecondFactor is not known; did you mean requiresSecondFactor?',
      '4: groups[2] is "Ops" again, after line 2',
      '5: grant is not known; did you mean grants?',
      '8: grants[1].actions[1] must be one of connect, view-only, watch, share, clipboard-in, clipboard-out, file-in, file-out, record-exempt, received "conect"; did you mean connect?',
      '8: grants[1].actions must name an action',
      '10: grants[2] needs exactly one of user, group for whom it is for, received 2',
      '13: grants[3] needs exactly one of all, target, targetGroup, labels for the machines it is about, received 0',
      '14: grants[3].targetgroup is not known; did you mean targetGroup?',
      '19: targets[1].port must be a whole number from 1 to 65535',
      '20: targetGroups[1] must be a path like Production/Databases, received "A//B"',
    ],
  );
});

test('what is no YAML, or no map, is refused with its line', () => {
  assert.match(problems('groups:\n  - name: "a')[0] ?? '', /^2: missing closing/u);
  assert.match(problems('- a\n- b')[0] ?? '', /^1: the file must be a map/u);
  assert.match(problems('groups: []\ngroups: []')[0] ?? '', /^\d: map keys must be unique/u);
});
