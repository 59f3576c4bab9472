import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { testTarget } from '../../testing/authorized.ts';
import type { FactorCondition, Grant, GrantConditions, GrantScope } from './grant.ts';
import type { Circumstances, LoginProof, Presence } from './conditions.ts';
import { accessUntil, allowedActions, explainAccess, groupAncestors } from './policy.ts';
import { longestMs, restsOn, seatsOf } from './seat.ts';
import { isFault } from '../fault/index.ts';
import { authorizeFiles, authorizeJump, authorizeTarget } from './authorized-target.ts';
import { testLeave } from '../../testing/authorized.ts';

const groups = new Map([
  ['tgg_root', { id: 'tgg_root', parentId: undefined, name: 'all' }],
  ['tgg_child', { id: 'tgg_child', parentId: 'tgg_root', name: 'child' }],
  ['tgg_loop_a', { id: 'tgg_loop_a', parentId: 'tgg_loop_b', name: 'a' }],
  ['tgg_loop_b', { id: 'tgg_loop_b', parentId: 'tgg_loop_a', name: 'b' }],
]);
const HERE = { now: Date.UTC(2026, 10, 23, 9, 30), address: '192.0.2.7', proofs: [] };
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
    ...allowedActions(
      { userId: 'usr_1', groupIds: ['grp_1'], grants, circumstances: HERE },
      target,
      groupAncestors(groups, target.groupId),
    ),
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
    const none = { grants: [], groups, circumstances: HERE };
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

  it('lets the machine that has the files decide over them, and nothing but files', () => {
    const destination = testLeave({ ...machine, filesTargetId: 'tgt_files' });
    const holder = { ...machine, id: 'tgt_files' };
    const of = (change: Partial<Grant>): Grant =>
      grant(
        { kind: 'target', id: 'tgt_files' },
        { subject: { kind: 'user', id: destination.identity.user.id }, ...change },
      );
    const leaveBy = (...grants: readonly Grant[]) =>
      authorizeFiles(destination, holder, { grants, groups, circumstances: HERE });
    const all = of({ actions: ['connect', 'watch', 'file-in', 'file-out'] });
    assert.deepEqual([...leaveBy(all).actions], ['file-in', 'file-out']);
    assert.deepEqual([...leaveBy(all, of({ actions: ['file-in'], effect: 'deny' })).actions], ['file-out']);
    for (const grants of [[], [of({ actions: ['connect'] })], [all, of({ actions: ['connect'], effect: 'deny' })]])
      assert.throws(() => leaveBy(...grants), { code: 'NOT_FOUND' });
    const facts = { grants: [grant({ kind: 'all' }, { ...all, scope: { kind: 'all' } })], groups, circumstances: HERE };
    for (const other of [undefined, { ...holder, id: 'tgt_other' }])
      assert.throws(() => authorizeFiles(destination, other, facts), { code: 'NOT_FOUND' });
  });
});

describe('conditions and denials', () => {
  const window = (days: readonly number[], from: string, to: string, zone = 'Europe/Berlin') => ({
    times: { zone, windows: [{ days, from, to }] },
  });
  const at = (iso: string, address = '192.0.2.7') => ({ now: Date.parse(iso), address });
  const decide = (grants: readonly Grant[], circumstances: Circumstances): readonly string[] => [
    ...allowedActions({ userId: 'usr_1', groupIds: ['grp_1'], grants, circumstances }, machine, []),
  ];
  const allow = (conditions?: GrantConditions): Grant =>
    grant({ kind: 'all' }, conditions === undefined ? {} : { conditions });
  const deny = (change: Partial<Grant> = {}): Grant => grant({ kind: 'all' }, { effect: 'deny', ...change });

  it('denies over every allowance, for its actions and its people alone', () => {
    const wide = grant({ kind: 'target', id: 'tgt_1' }, { actions: ['connect', 'watch', 'file-out'] });
    assert.deepEqual(decide([wide, deny({ actions: ['file-out'] })], HERE), ['connect', 'watch']);
    assert.deepEqual(decide([deny({ actions: ['connect', 'watch', 'file-out'] }), wide], HERE), []);
    assert.deepEqual(decide([allow(), deny({ subject: { kind: 'user', id: 'usr_2' } })], HERE), ['connect']);
    assert.deepEqual(
      decide([allow(), deny({ scope: { kind: 'labels', selector: { env: ['prod', 'stage'] } } })], HERE),
      [],
    );
    assert.deepEqual(decide([allow(), deny({ scope: { kind: 'labels', selector: { env: ['dev'] } } })], HERE), [
      'connect',
    ]);
  });

  it('forbids whoever may not open a machine to look at it, and lets whoever may only look in for that alone', () => {
    const look = grant({ kind: 'all' }, { actions: ['view-only', 'clipboard-in'] });
    const open = (grants: readonly Grant[]) =>
      authorizeTarget(testLeave(machine).identity, machine, {
        grants: grants.map((one) => ({ ...one, subject: { kind: 'user', id: 'usr_test' } })),
        ...{ groups, circumstances: HERE },
      });
    assert.deepEqual(decide([look, deny()], HERE), ['clipboard-in']);
    assert.deepEqual(decide([look, allow(), deny({ actions: ['view-only'] })], HERE), ['clipboard-in', 'connect']);
    assert.throws(() => open([look, deny()]), { code: 'NOT_FOUND' });
    const leave = open([{ ...look, id: 'gra_look' }]);
    assert.deepEqual(
      [leave.ways(['connect']), leave.ways(['connect', 'view-only']).map(({ id }) => id)],
      [[], ['gra_look']],
    );
    const denied = open([
      { ...look, id: 'gra_look' },
      { ...allow(), id: 'gra_open' },
      deny({ actions: ['view-only'] }),
    ]);
    assert.deepEqual(
      denied.ways(['connect', 'view-only']).map(({ id }) => id),
      ['gra_open'],
    );
  });

  it('holds by the wall clock of the named zone, through the change of summer time and over midnight', () => {
    const cases: readonly (readonly [GrantConditions, string, boolean])[] = [
      // Monday 23 November 2026, 09:30 UTC is 10:30 in Berlin.
      [window([1], '10:30', '10:31'), '2026-11-23T09:30:00Z', true],
      [window([1], '09:30', '10:30'), '2026-11-23T09:30:00Z', false],
      [window([2], '00:00', '24:00'), '2026-11-23T09:30:00Z', false],
      // 08:00 in Berlin is 07:00 UTC in winter and 06:00 UTC in summer.
      [window([1], '08:00', '09:00'), '2026-03-23T07:00:00Z', true],
      [window([1], '08:00', '09:00'), '2026-03-30T06:00:00Z', true],
      [window([1], '08:00', '09:00'), '2026-03-30T07:00:00Z', false],
      // From Sunday 22:00 to Monday 06:00.
      [window([7], '22:00', '06:00'), '2026-11-22T21:30:00Z', true],
      [window([7], '22:00', '06:00'), '2026-11-23T04:59:00Z', true],
      [window([7], '22:00', '06:00'), '2026-11-23T05:00:00Z', false],
      [window([1], '22:00', '06:00'), '2026-11-23T04:59:00Z', false],
      [window([1], '00:00', '24:00', 'No/Where'), '2026-11-23T09:30:00Z', false],
      [window([1], '9:30', '24:00'), '2026-11-23T09:30:00Z', false],
    ];
    for (const [conditions, iso, holds] of cases)
      assert.deepEqual(
        decide([allow(conditions)], at(iso)),
        holds ? ['connect'] : [],
        `${JSON.stringify(conditions)} at ${iso}`,
      );
  });

  it('holds from its networks alone, in whatever form an address comes, and until its end', () => {
    const networks = { networks: ['192.0.2.0/24', '2001:db8::/32'] };
    for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::1', '2001:0DB8:0::1'])
      assert.deepEqual(decide([allow(networks)], { ...HERE, address }), ['connect'], address);
    for (const address of ['192.0.3.7', '2001:db9::1', '', 'unknown', '192.0.2.7.evil', '::'])
      assert.deepEqual(decide([allow(networks)], { ...HERE, address }), [], address);
    assert.deepEqual(decide([allow({ notAfter: HERE.now + 1 })], HERE), ['connect']);
    assert.deepEqual(decide([allow({ notAfter: HERE.now })], HERE), []);
  });

  it('denies what a tag placed in a group by grants on it, which give it nothing', () => {
    const placed = { ...machine, labels: { ...machine.labels, 'cloud:placed-by': 'tag' } };
    const onGroup = (effect: 'allow' | 'deny') => grant({ kind: 'target-group', id: 'tgg_root' }, { effect });
    assert.deepEqual(actions([onGroup('allow')], machine), ['connect']);
    assert.deepEqual(actions([onGroup('allow')], placed), []);
    assert.deepEqual(actions([allow()], placed), ['connect']);
    assert.deepEqual(actions([allow(), onGroup('deny')], placed), []);
  });

  it('denies where a condition of a denial cannot be judged, and only then besides when it holds', () => {
    const unreadable = deny({ conditions: window([1], '00:00', '24:00', 'No/Where') });
    assert.deepEqual(decide([allow(), unreadable], HERE), []);
    const fromOutside = deny({ conditions: { networks: ['198.51.100.0/24'] } });
    assert.deepEqual(decide([allow(), fromOutside], HERE), ['connect']);
    assert.deepEqual(decide([allow(), fromOutside], { ...HERE, address: '198.51.100.1' }), []);
  });

  it('tells whoever may see a machine that it is a matter of when, and nobody else that it is there', () => {
    const { identity } = testLeave(machine);
    const mine = (conditions: GrantConditions): Grant => ({
      ...allow(conditions),
      subject: { kind: 'user', id: identity.user.id },
    });
    const ask = (grants: readonly Grant[]) => () =>
      authorizeTarget(identity, machine, { grants, groups, circumstances: HERE });
    assert.throws(ask([mine({ networks: ['198.51.100.0/24'] })]), (failure) => isFault(failure, 'ACCESS_NOT_NOW'));
    assert.throws(ask([mine({ notAfter: 1 })]), (failure) => isFault(failure, 'NOT_FOUND'), 'over is over');
    assert.throws(ask([]), (failure) => isFault(failure, 'NOT_FOUND'));
  });

  it('explains by the same judgement that decides', () => {
    const grants = [
      allow({ networks: ['198.51.100.0/24'], notAfter: 1 }),
      deny({ actions: ['watch'] }),
      grant({ kind: 'target', id: 'tgt_2' }),
    ];
    const view = { userId: 'usr_1', groupIds: [], grants, circumstances: HERE };
    assert.deepEqual(
      explainAccess(view, machine, []).map(({ counts, unmet }) => [counts, unmet]),
      [
        [false, ['over', 'networks']],
        [true, []],
      ],
    );
  });
});

describe('what a grant asks of the login', () => {
  const { identity } = testLeave(machine);
  const mine = (conditions: GrantConditions, changes: Partial<Grant> = {}): Grant =>
    grant({ kind: 'all' }, { subject: { kind: 'user', id: identity.user.id }, conditions, ...changes });
  const MINUTE = 60_000;
  const by = (...proofs: readonly LoginProof[]) => ({ ...HERE, proofs });
  const leave = (grants: readonly Grant[], circumstances = HERE as Presence) =>
    authorizeTarget(identity, machine, { grants, groups, circumstances });
  const refusal = (grants: readonly Grant[], circumstances = HERE as Presence): readonly unknown[] => {
    try {
      leave(grants, circumstances);
    } catch (failure) {
      assert.ok(isFault(failure));
      return [failure.code, failure.facts];
    }
    return [];
  };

  it('is met by a factor of that level that was proved in time, and by nothing else', () => {
    const cases: readonly (readonly [FactorCondition, LoginProof, boolean])[] = [
      [{ level: 'any' }, { factor: 'totp', ageMs: 1e9 }, true],
      [{ level: 'any' }, { factor: 'provider', ageMs: 1e9 }, true],
      [{ level: 'any' }, { factor: undefined, ageMs: 0 }, false],
      [{ level: 'any', minutes: 5 }, { factor: 'recovery-code', ageMs: 5 * MINUTE }, true],
      [{ level: 'any', minutes: 5 }, { factor: 'passkey', ageMs: 5 * MINUTE + 1 }, false],
      [{ level: 'passkey' }, { factor: 'passkey', ageMs: 1e9 }, true],
      [{ level: 'passkey' }, { factor: 'totp', ageMs: 0 }, false],
      [{ level: 'passkey' }, { factor: 'provider', ageMs: 0 }, false],
      [{ level: 'passkey', minutes: 1 }, { factor: 'passkey', ageMs: MINUTE + 1 }, false],
    ];
    for (const [secondFactor, proof, holds] of cases)
      assert.equal(
        refusal([mine({ secondFactor })], by(proof)).length === 0,
        holds,
        JSON.stringify([secondFactor, proof]),
      );
    const two = by({ factor: 'totp', ageMs: 0 }, { factor: 'passkey', ageMs: MINUTE });
    assert.deepEqual(refusal([mine({ secondFactor: { level: 'passkey', minutes: 1 } })], two), [], 'one is enough');
  });

  it('asks the person to step up, by the grant that asks for least, and only where that would help', () => {
    const passkey = mine({ secondFactor: { level: 'passkey', minutes: 5 } });
    assert.deepEqual(refusal([passkey]), ['STEP_UP_REQUIRED', { factor: true, passkey: true, minutes: 5 }]);
    const app = mine({ secondFactor: { level: 'any', minutes: 15 } });
    const shorter = mine({ secondFactor: { level: 'any', minutes: 3 } });
    assert.deepEqual(refusal([passkey, shorter, app]), ['STEP_UP_REQUIRED', { factor: true, minutes: 15 }]);
    const denial = mine({}, { effect: 'deny' });
    assert.equal(refusal([passkey, denial])[0], 'NOT_FOUND');
    const elsewhere = mine({ secondFactor: { level: 'any' }, networks: ['198.51.100.0/24'] });
    assert.equal(refusal([elsewhere])[0], 'ACCESS_NOT_NOW');
    assert.equal(refusal([mine({ secondFactor: { level: 'any' } }, { actions: ['file-in'] })])[0], 'NOT_FOUND');
    const others = mine({ secondFactor: { level: 'any' } }, { subject: { kind: 'user', id: 'usr_other' } });
    assert.equal(refusal([others])[0], 'NOT_FOUND', 'no grant, no question');
  });

  it('gives nothing of such a grant without the proof, and no session rests on it', () => {
    const plain = mine({}, { id: 'grt_plain' });
    const files = mine({ secondFactor: { level: 'any' } }, { id: 'grt_files', actions: ['connect', 'file-in'] });
    const without = leave([plain, files]);
    assert.deepEqual([...without.actions], ['connect']);
    assert.deepEqual(
      without.ways(['connect']).map(({ id }) => id),
      ['grt_plain'],
    );
    assert.equal(without.stepUp('file-in')?.code, 'STEP_UP_REQUIRED');
    assert.equal(without.stepUp('file-out'), undefined);
    assert.deepEqual([...leave([plain, files], by({ factor: 'totp', ageMs: 0 })).actions], ['connect', 'file-in']);
  });

  it('comes after the approval, and lists the machine before either', () => {
    const approval = { groups: ['grp_1'], count: 1, minutes: 60 };
    assert.equal(refusal([mine({ approval, secondFactor: { level: 'any' } })])[0], 'APPROVAL_REQUIRED');
    const view = { userId: identity.user.id, groupIds: [], grants: [mine({ secondFactor: { level: 'passkey' } })] };
    const atAll = { now: HERE.now, address: undefined };
    assert.deepEqual([...allowedActions({ ...view, circumstances: atAll }, machine, [])], ['connect']);
  });
});

describe('the prepared rules', () => {
  const name = fc.constantFrom('env', 'team', 'tag:owner', '__proto__', '');
  const value = fc.constantFrom('a', 'b', 'toString', '');
  const labels = fc.dictionary(name, value);
  const scope: fc.Arbitrary<GrantScope> = fc.oneof(
    fc.constant({ kind: 'all' as const }),
    fc.record({ kind: fc.constant('target' as const), id: fc.constantFrom('tgt_1', 'tgt_2') }),
    fc.record({
      kind: fc.constant('target-group' as const),
      id: fc.constantFrom('tgg_root', 'tgg_child', 'tgg_loop_a'),
    }),
    fc.record({
      kind: fc.constant('labels' as const),
      selector: fc.dictionary(name, fc.array(value, { maxLength: 3 })),
    }),
  );
  const grants = fc.array(
    fc.record({
      scope,
      effect: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
      actions: fc.subarray(['connect', 'watch', 'file-in'] as const),
    }),
    { maxLength: 8 },
  );

  it('decide as the explanation does, which asks each grant by itself', () => {
    fc.assert(
      fc.property(grants, labels, (drawn, own) => {
        const target = { ...machine, labels: own };
        const given = drawn.map(({ scope: where, ...changes }) => grant(where, changes));
        const view = { userId: 'usr_1', groupIds: [], grants: given, circumstances: HERE };
        const found = explainAccess(view, target, groupAncestors(groups, target.groupId)).filter(
          ({ counts }) => counts,
        );
        const of = (effect: string): readonly string[] =>
          found.filter((finding) => finding.grant.effect === effect).flatMap((finding) => finding.grant.actions);
        const expected = new Set(of('allow').filter((action) => !of('deny').includes(action)));
        assert.deepEqual(new Set(actions(given, target)), expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the end of an access', () => {
  const MINUTE = 60_000;
  const until = (grants: readonly Grant[], now: number, hours = 48): number | undefined =>
    accessUntil(
      { userId: 'usr_1', groupIds: [], grants, circumstances: { now, address: '192.0.2.7' } },
      {
        target: machine,
        ancestors: groupAncestors(groups, machine.groupId),
        isEnough: (actions) => actions.has('connect'),
      },
      now + hours * 60 * MINUTE,
    );
  const daily = (from: string, to: string, zone = 'UTC'): Partial<Grant> => ({
    conditions: { times: { zone, windows: [{ days: [1, 2, 3, 4, 5, 6, 7], from, to }] } },
  });

  it('is when the last of the grants ends, and none where one has no end', () => {
    const now = Date.UTC(2026, 5, 1, 9, 0, 30);
    const early = grant({ kind: 'all' }, { id: 'grt_1', conditions: { notAfter: now + 5_500 } });
    const late = grant({ kind: 'all' }, { id: 'grt_2', ...daily('08:00', '10:00') });
    assert.equal(until([early], now), now + 5_500);
    assert.equal(until([early, late], now), Date.UTC(2026, 5, 1, 10));
    assert.equal(until([early, late, grant({ kind: 'all' }, { id: 'grt_3' })], now), undefined);
    assert.equal(until([late], now, 0.5), undefined, 'beyond the horizon');
  });

  it('is when a denial begins', () => {
    const now = Date.UTC(2026, 5, 1, 9);
    const denial = grant({ kind: 'all' }, { id: 'grt_2', effect: 'deny', ...daily('12:30', '13:00') });
    assert.equal(until([grant({ kind: 'all' }), denial], now), Date.UTC(2026, 5, 1, 12, 30));
  });

  it('follows the clock of the zone through the night in which it changes', () => {
    // Berlin: 2026-10-25 03:00 becomes 02:00, at 01:00 UTC; 2026-03-29 02:00 becomes 03:00.
    const given = [grant({ kind: 'all' }, daily('00:00', '04:00', 'Europe/Berlin'))];
    assert.equal(until(given, Date.UTC(2026, 9, 24, 23)), Date.UTC(2026, 9, 25, 3));
    assert.equal(until(given, Date.UTC(2026, 2, 29, 0)), Date.UTC(2026, 2, 29, 2));
    // A window that the lost hour holds whole never opens, and one that ends within it ends where it begins.
    const within = [grant({ kind: 'all' }, daily('00:00', '02:30', 'Europe/Berlin'))];
    assert.equal(until(within, Date.UTC(2026, 2, 29, 0)), Date.UTC(2026, 2, 29, 1));
  });

  it('is where asking each minute finds it, whatever the windows are', () => {
    const time = fc.integer({ min: 0, max: 95 }).map((quarter) => {
      const minute = quarter * 15;
      return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    });
    const windowed = fc.record({
      from: time,
      to: time,
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
    });
    fc.assert(
      fc.property(fc.array(windowed, { minLength: 1, maxLength: 3 }), fc.nat(400), (drawn, days) => {
        const given = drawn.map(({ from, to, zone }, index) =>
          grant({ kind: 'all' }, { id: `grt_${index}`, ...daily(from, to, zone) }),
        );
        const start = Date.UTC(2026, 0, 1 + days, 11);
        const holds = (now: number): boolean => {
          const circumstances = { now, address: '192.0.2.7' };
          return allowedActions({ userId: 'usr_1', groupIds: [], grants: given, circumstances }, machine, []).size > 0;
        };
        fc.pre(holds(start));
        let expected: number | undefined;
        for (let now = start; expected === undefined && now <= start + 86_400_000; now += 15 * MINUTE)
          if (!holds(now)) expected = now;
        assert.equal(until(given, start, 24), expected);
      }),
      { numRuns: 200 },
    );
  });

  it('counts sessions only where no grant lets them be uncounted, and is as generous as the most generous grant', () => {
    const narrow = grant({ kind: 'all' }, { id: 'grt_b', conditions: { concurrentSessions: 2, sessionMinutes: 5 } });
    const wide = grant({ kind: 'all' }, { id: 'grt_a', conditions: { concurrentSessions: 9, sessionMinutes: 60 } });
    const free = grant({ kind: 'all' }, { id: 'grt_c', conditions: { sessionMinutes: 10 } });
    assert.deepEqual(seatsOf([narrow, wide]), [
      { grantId: 'grt_a', most: 9 },
      { grantId: 'grt_b', most: 2 },
    ]);
    assert.deepEqual(seatsOf([narrow, free]), []);
    assert.deepEqual(restsOn([narrow, wide, free], 'grt_b'), [narrow, free]);
    assert.deepEqual(restsOn([narrow, wide], undefined), [], 'a session without a seat rests on no grant that counts');
    assert.equal(longestMs([narrow, free]), 10 * MINUTE);
    assert.equal(longestMs([narrow, grant({ kind: 'all' })]), Infinity);
  });

  it('judges the times of a moment also where it is not known from where, and leaves networks out of account', () => {
    const morning = { zone: 'UTC', windows: [{ days: [1], from: '09:00', to: '10:00' }] };
    const evening = { zone: 'UTC', windows: [{ days: [1], from: '18:00', to: '19:00' }] };
    const may = (isMoment: boolean, ...given: readonly Grant[]): boolean => {
      const circumstances = { now: HERE.now, address: undefined, isMoment };
      return allowedActions({ userId: 'usr_1', groupIds: [], grants: given, circumstances }, machine, []).size > 0;
    };
    const during = (times: GrantConditions['times'], changes: Partial<Grant> = {}): Grant =>
      grant({ kind: 'all' }, { id: 'grt_2', conditions: { ...(times === undefined ? {} : { times }) }, ...changes });
    assert.deepEqual([may(true, during(morning)), may(true, during(evening))], [true, false]);
    assert.equal(may(false, during(evening)), true, 'at some time they may');
    const always = grant({ kind: 'all' });
    const networks = ['10.0.0.0/8'];
    assert.equal(may(true, grant({ kind: 'all' }, { conditions: { networks } })), true);
    assert.equal(may(true, always, during(morning, { effect: 'deny' })), false);
    assert.equal(may(false, always, during(morning, { effect: 'deny' })), true, 'at some time they may');
    assert.equal(may(true, always, during(evening, { effect: 'deny' })), true);
    const nowhere = { zone: 'No/Where', windows: morning.windows };
    assert.equal(may(true, always, during(nowhere, { effect: 'deny' })), false, 'what cannot be judged denies');
    const somewhere = { effect: 'deny', conditions: { times: morning, networks } } as const;
    assert.equal(may(true, always, during(undefined, somewhere)), true, 'from elsewhere they may');
  });
});
