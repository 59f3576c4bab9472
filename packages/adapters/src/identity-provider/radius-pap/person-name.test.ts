import assert from 'node:assert/strict';
import { test } from 'node:test';
import { personName } from './person-name.ts';

test('every spelling of a name is one name, or refused', () => {
  const plain = (typed: string, domains: readonly string[] = ['CORP', 'corp.example']) =>
    personName(typed, { names: 'plain', domains });
  for (const typed of ['alice', ' alice ', 'CORP\\alice', 'corp\\alice', 'alice@corp.example', 'alice@CORP.EXAMPLE'])
    assert.equal(plain(typed), 'alice', typed);
  for (const typed of [
    ...['alice@other.example', 'OTHER\\alice', 'CORP\\alice@corp.example', 'corp.example/alice', 'alice%corp'],
    ...['\\alice', 'alice@', 'CORP\\', 'alice@corp.example@corp.example', ''],
    ...['\uff41lice', 'al\u00adice', 'alice\u200b', 'a\u0301lice'],
  ])
    assert.equal(plain(typed), undefined, JSON.stringify(typed));
  assert.equal(plain('CORP\\alice', []), undefined);
  assert.equal(plain('álice'), 'álice');
});

test('where people are named with their domain, nobody is without, and two domains are two people', () => {
  const full = (typed: string) => personName(typed, { names: 'full', domains: [] });
  assert.deepEqual([full('alice@a.example'), full('alice@b.example')], ['alice@a.example', 'alice@b.example']);
  for (const typed of ['alice', 'A\\alice', 'alice@a@b']) assert.equal(full(typed), undefined, typed);
});
