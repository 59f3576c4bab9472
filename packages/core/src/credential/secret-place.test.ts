import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../fault/index.ts';
import { fillPlace, isPlacedByGivenName, placeProblem } from './secret-place.ts';

const machine = { name: 'WEB 01', host: 'web01.corp.example' };

test('the place of a machine’s own secret follows from its host, or from its name', () => {
  assert.equal(fillPlace('{host}', machine), 'web01.corp.example');
  assert.equal(fillPlace('{host.name}', machine), 'web01');
  assert.equal(fillPlace('SRV-{host.name}', machine), 'SRV-web01');
  assert.equal(fillPlace('{name}', { ...machine, name: 'WEB01' }), 'WEB01');
  assert.equal(fillPlace('DC01', machine), 'DC01');
  assert.deepEqual(['{host}', 'WEB01', 'x-{name}', '{host.name}'].map(isPlacedByGivenName), [false, false, true, true]);
});

test('what cannot be a computer’s name is refused', () => {
  for (const [template, change] of [
    ['{name}', {}],
    ['{name}', { name: '*' }],
    ['{name}', { name: 'a)(cn=*' }],
    ['{name}', { name: '../x' }],
    ['{name}', { name: '' }],
    ['{host}', { host: 'fe80::1' }],
    ['{host.name}', { host: '10.0.0.1' }],
    ['{host.name}', { host: '.corp' }],
  ] as const)
    assert.throws(
      () => fillPlace(template, { ...machine, ...change }),
      (failure) => isFault(failure, 'SECRET_NOT_FOUND'),
      `${template} ${JSON.stringify(change)}`,
    );
});

test('a template that means nothing is refused where it is written', () => {
  for (const bad of ['{hosts}', '{username}', '{', '{host', '}', '{{host}}', '{HOST}', '{}'])
    assert.notEqual(placeProblem(bad), undefined, bad);
  for (const good of ['{host}', '{host.name}', 'x{name}', 'WEB01']) assert.equal(placeProblem(good), undefined, good);
});
