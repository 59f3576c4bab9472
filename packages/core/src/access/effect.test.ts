import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testTarget } from '../../testing/authorized.ts';
import { EffectOfChange, type GrantChange } from './effect.ts';
import type { Grant } from './grant.ts';

const place = (id: string, env: string) => ({
  target: testTarget({ id, protocol: 'x', host: 'h', port: 1, labels: { env } }),
  ancestors: [],
});
const PLACES = [place('tgt_1', 'prod'), place('tgt_2', 'prod'), place('tgt_3', 'dev')];

function grant(changes: Partial<Grant>): Grant {
  return {
    ...{ id: 'gra_1', subject: { kind: 'group', id: 'grp_1' }, scope: { kind: 'all' }, actions: ['connect'] },
    ...{ createdAt: 0, createdBy: 'usr_0' },
    ...changes,
  };
}

function effect(change: GrantChange, grants: readonly Grant[]): readonly [string, string] {
  const { gained, lost } = new EffectOfChange(change, PLACES, 1_000).on({
    ...{ userId: 'usr_1', groupIds: ['grp_1'], grants },
  });
  const names = (targets: typeof gained): string => targets.map(({ id }) => id.slice(4)).join(' ');
  return [names(gained), names(lost)];
}

test('somebody gains what no other grant gives them, and loses what none leaves them', () => {
  const prod = grant({ id: 'gra_prod', scope: { kind: 'labels', selector: { env: ['prod'] } } });
  const everything = grant({ id: 'gra_all' });
  assert.deepEqual(effect({ add: everything }, []), ['1 2 3', '']);
  assert.deepEqual(effect({ add: everything }, [prod]), ['3', '']);
  assert.deepEqual(effect({ remove: everything }, [prod, everything]), ['', '3']);
  assert.deepEqual(effect({ remove: prod }, [prod, everything]), ['', '']);
});

test('a denial takes, and its withdrawal gives back', () => {
  const everything = grant({ id: 'gra_all', actions: ['connect', 'watch'] });
  const denial = grant({ id: 'gra_deny', effect: 'deny', scope: { kind: 'target', id: 'tgt_2' } });
  assert.deepEqual(effect({ add: denial }, [everything]), ['', '2']);
  assert.deepEqual(effect({ remove: denial }, [everything, denial]), ['2', '']);
});

test('a further action on machines that were there already is a gain, and a grant that is over gives nothing', () => {
  const connect = grant({ id: 'gra_all' });
  assert.deepEqual(effect({ add: grant({ id: 'gra_files', actions: ['file-in'] }) }, [connect]), ['1 2 3', '']);
  assert.deepEqual(effect({ add: grant({ id: 'gra_over', conditions: { notAfter: 500 } }) }, []), ['', '']);
});
