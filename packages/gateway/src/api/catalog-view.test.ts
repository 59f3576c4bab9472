import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Target } from '@enchilada/core/target';
import { type CatalogSearch, searchTargets } from './catalog-view.ts';

function entry(name: string, labels: Target['labels'] = {}, groupId?: string, protocol = 'ssh') {
  const target: Target = {
    ...{ id: `tgt_${name}`, name, protocol, host: '10.0.0.1', port: 22, groupId, labels, description: '' },
    ...{ parameters: {}, credentialId: undefined, jumpTargetId: undefined, hostKeyPolicy: 'ask', builtIn: undefined },
    ...{ goneAt: undefined, version: 1, createdAt: 0, updatedAt: 0 },
  };
  const words = Object.entries(labels).map(([key, value]) => `${key}:${value}`);
  return { target, haystack: [name, target.host, ...words].join('\n').toLowerCase() };
}

const ALL = [
  entry('Alpha web', { 'cloud:region': 'eu-west-1', team: 'red' }, 'inner'),
  entry('Beta', { team: 'web' }, 'outer', 'vnc'),
  entry('Web one', { 'cloud:region': 'us-east-1', path: 'a:b', ΛΟΓΟΣ: 'Α' }),
];
const ANCESTORS = new Map([
  ['inner', ['inner', 'outer']],
  ['outer', ['outer']],
]);
const found = (search: CatalogSearch): readonly string[] =>
  searchTargets({ count: ALL.length, at: (position) => ALL[position] }, search, ANCESTORS).map(
    (position) => ALL[position]?.target.name ?? '',
  );

test('machines whose name begins with the text come first, each kind in the order of the catalog', () => {
  assert.deepEqual(found({ text: ' WEB ' }), ['Web one', 'Alpha web', 'Beta']);
  assert.deepEqual(found({ text: 'web eu-west' }), ['Alpha web']);
  assert.deepEqual(found({ text: '  ' }), ['Alpha web', 'Beta', 'Web one']);
  assert.deepEqual(found({ text: 'gamma' }), []);
});

test('a label is asked for by its name or by name and value, where either may hold a colon', () => {
  assert.deepEqual(found({ label: 'team' }), ['Alpha web', 'Beta']);
  assert.deepEqual(found({ label: 'cloud:region' }), ['Alpha web', 'Web one']);
  assert.deepEqual(found({ label: 'cloud:region:eu-west-1' }), ['Alpha web']);
  assert.deepEqual(found({ label: 'path:a:b' }), ['Web one']);
  assert.deepEqual(found({ label: 'cloud' }), []);
  assert.deepEqual(found({ label: 'constructor' }), []);
  assert.deepEqual(found({ label: 'TEAM' }), [], 'labels are told apart by their case');
  assert.deepEqual(found({ label: 'ΛΟΓΟΣ' }), ['Web one'], 'whose last letter has another small form at the end');
});

test('text, label, group, ids and protocols narrow together', () => {
  assert.deepEqual(found({ groupId: 'outer' }), ['Alpha web', 'Beta']);
  assert.deepEqual(found({ groupId: 'outer', label: 'team:web', text: 'beta' }), ['Beta']);
  assert.deepEqual(found({ ids: 'tgt_Beta,tgt_Web one,tgt_gone', text: 'web' }), ['Web one', 'Beta']);
  assert.deepEqual(found({ protocols: 'rdp,vnc' }), ['Beta']);
  assert.deepEqual(found({ protocols: 'ssh', text: 'web' }), ['Web one', 'Alpha web']);
  assert.deepEqual(found({ protocols: 'ss' }), []);
});
