import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MachineFacts } from './discovery-source.ts';
import { projectMachine } from './projection.ts';
import type { Candidate, Rule, RuleMatch, RuleOutcome } from './rule.ts';

const FACTS: MachineFacts = {
  name: 'web-1',
  platform: 'linux',
  state: 'running',
  privateAddresses: ['10.0.0.1', '10.0.0.2'],
  publicAddresses: ['192.0.2.1'],
  privateName: 'ip-10-0-0-1.internal',
  publicName: 'web-1.example.com',
  image: 'ami-0123456789abcdef0',
  tags: { team: 'payments', Name: 'web-1' },
};

function candidate(facts: Partial<MachineFacts> = {}): Candidate {
  return {
    source: { id: 'src_1', kind: 'aws', name: 'Cloud', protectedTags: ['team'] },
    scope: { account: '111111111111', accountName: 'Payments', region: 'eu-west-1' },
    nativeId: 'i-1',
    facts: { ...FACTS, ...facts },
  };
}

const rule = (outcome: RuleOutcome, match: RuleMatch = {}, name = 'rule'): Rule => ({
  ...{ name, enabled: true, match, outcome },
});

function judged(rules: readonly Rule[], facts: Partial<MachineFacts> = {}) {
  const protocols = { linux: 'ssh', windows: 'rdp' };
  const portOf = (protocol: string) => ({ ssh: 22, rdp: 3389, vnc: 5900 })[protocol];
  return projectMachine(candidate(facts), { rules, protocols, portOf }).first;
}

it('a machine is reached at its first private address, and at a public one only where a rule says so', () => {
  const hostBy = (address?: RuleOutcome['address'], facts: Partial<MachineFacts> = {}) => {
    const { fields, omitted } = judged(address === undefined ? [] : [rule({ address })], facts);
    return fields?.host ?? omitted;
  };
  assert.equal(hostBy(), '10.0.0.1');
  assert.equal(hostBy('private-name'), 'ip-10-0-0-1.internal');
  assert.equal(hostBy('public'), '192.0.2.1');
  assert.equal(hostBy('public-name'), 'web-1.example.com');
  const { privateName: _private, publicName: _public, ...nameless } = FACTS;
  assert.equal(
    projectMachine(
      { ...candidate(), facts: nameless },
      {
        ...{ rules: [rule({ address: 'private-name' })], protocols: { linux: 'ssh' }, portOf: () => 22 },
      },
    ).first.fields?.host,
    '10.0.0.1',
  );
  // With nothing private, it is left out: nobody is sent over the Internet unasked.
  const exposed = { privateAddresses: [] };
  assert.equal(hostBy(undefined, exposed), 'no-address');
  assert.equal(hostBy('private', exposed), 'no-address');
  assert.equal(hostBy('public', exposed), '192.0.2.1');
  assert.equal(hostBy('public', { publicAddresses: [] }), 'no-address');
});

it('a platform is opened by its protocol at its port, unless a rule or the source says otherwise', () => {
  const openedBy = (rules: readonly Rule[], facts: Partial<MachineFacts> = {}) => {
    const { fields, omitted } = judged(rules, facts);
    return fields === undefined ? omitted : [fields.protocol, fields.port];
  };
  assert.deepEqual(openedBy([]), ['ssh', 22]);
  assert.deepEqual(openedBy([], { platform: 'windows' }), ['rdp', 3389]);
  assert.deepEqual(openedBy([], { stated: { protocol: 'vnc', port: 5901 } }), ['vnc', 5901]);
  assert.deepEqual(openedBy([rule({ protocol: 'vnc' })], { stated: { port: 2222 } }), ['vnc', 5900]);
  assert.deepEqual(openedBy([rule({ port: 2222 })], { stated: { port: 22 } }), ['ssh', 2222]);
  assert.equal(openedBy([rule({ protocol: 'gopher' })]), 'no-protocol');
  assert.equal(openedBy([rule({ skip: true })]), 'rule');
});

it('each field comes from the first rule that matches and sets it, and it is said from which', () => {
  const { fields, decision } = judged([
    rule({ port: 1 }, { accounts: ['999999999999'] }, 'another account'),
    { ...rule({ port: 2 }, {}, 'switched off'), enabled: false },
    rule({ port: 3, group: 'a/{accountName}' }, { accounts: ['111111111111'] }, 'first'),
    rule({ port: 4, group: 'b', hostKeyPolicy: 'deny' }, {}, 'second'),
  ]);
  assert.deepEqual([fields?.port, fields?.path, fields?.hostKeyPolicy], [3, ['a', 'Payments'], 'deny']);
  assert.deepEqual(
    decision.trace.map(({ field, rule: by }) => [field, by]),
    [
      ['port', 'first'],
      ['group', 'first'],
      ['hostKeyPolicy', 'second'],
    ],
  );
});

it('a rule matches by source, account, region, platform, protocol, image, name and tags, and only where all of them hold', () => {
  const isFor = (match: RuleMatch, facts: Partial<MachineFacts> = {}) =>
    judged([rule({ port: 7 }, match)], facts).fields?.port === 7;
  for (const [match, other] of [
    [{ sources: ['src_1'] }, { sources: ['src_2'] }],
    [{ accounts: ['111111111111'] }, { accounts: [] }],
    [{ regions: ['eu-west-1'] }, { regions: ['eu-west-2'] }],
    [{ platform: 'linux' }, { platform: 'windows' }],
    [{ protocol: 'ssh' }, { protocol: 'rdp' }],
    [{ image: 'AMI-*' }, { image: 'ami-1' }],
    [{ name: 'w?b-*' }, { name: 'web' }],
    [{ tags: { team: [] } }, { tags: { env: [] } }],
    [{ tags: { team: ['shop', 'payments'] } }, { tags: { team: ['shop'] } }],
    [{ tags: { team: ['payments'] } }, { tags: { toString: [] } }],
  ] as const satisfies readonly (readonly [RuleMatch, RuleMatch])[]) {
    assert.ok(isFor(match), JSON.stringify(match));
    assert.ok(!isFor(other), JSON.stringify(other));
    assert.ok(!isFor({ ...match, accounts: ['999999999999'] }), `${JSON.stringify(match)} and another account`);
  }
  assert.ok(
    !isFor({ regions: ['eu-west-1'] }, { region: 'westeurope' }),
    'a machine’s own region stands above its scope’s',
  );
});

it('a credential by an unprotected tag or name is refused, by a protected one it is given', () => {
  const credentialBy = (match: RuleMatch) => {
    const { fields, decision } = judged([rule({ credentialId: 'crd_1' }, match)], { tags: { team: 'x', env: 'y' } });
    return [fields?.credentialId, decision.trace[0]?.refusedBecauseOfTag];
  };
  assert.deepEqual(credentialBy({ tags: { env: ['y'] } }), [undefined, 'env']);
  assert.deepEqual(credentialBy({ name: 'web*' }), [undefined, 'Name']);
  assert.deepEqual(credentialBy({ tags: { team: ['x'] } }), ['crd_1', undefined]);
  assert.deepEqual(credentialBy({ tags: { team: ['x'], env: ['y'] } }), [undefined, 'env']);
});
