import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '@enchilada/contract';
import { endOfDay, startOfDay } from '../components/days.ts';
import { hostPort } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { selectorOf, selectorText } from './grant-selector.ts';
import { groupPath, groupTree, matches, searchWords } from './machine-search.ts';
import { safeNext } from './safe-next.ts';
import { changedParameters, labelsToText, textToLabels } from './target-values.ts';

const group = (id: string, name: string, parentId?: string) => ({
  id,
  name,
  machines: 0,
  ...(parentId === undefined ? {} : { parentId }),
});

test('groups form a tree by name, with strays at the top', () => {
  const tree = groupTree([
    group('b', 'web 10', 'a'),
    group('a', 'prod'),
    group('c', 'web 9', 'a'),
    group('d', 'stray', 'gone'),
  ]);
  assert.deepEqual(
    tree.map((node) => node.group.name),
    ['prod', 'stray'],
  );
  assert.deepEqual(
    tree[0]?.children.map((node) => node.group.name),
    ['web 9', 'web 10'],
  );
});

test('a loop among groups ends where it closes', () => {
  const loop = new Map([
    ['a', group('a', 'A', 'b')],
    ['b', group('b', 'B', 'a')],
  ]);
  assert.deepEqual(groupPath(loop, 'a'), ['B', 'A']);
  assert.deepEqual(groupTree([...loop.values()]), []);
});

test('a search needs every word and looks at labels, group and protocol too', () => {
  const machine = {
    name: 'pay-01',
    host: 'pay-01.example.net',
    description: '',
    labels: { env: 'prod' },
    protocolLabel: { en: 'Shell', de: 'Konsole' },
  };
  assert.equal(matches(machine, searchWords('PAY env:prod'), ['Payments']), true);
  assert.equal(matches(machine, searchWords('konsole payments'), ['Payments']), true);
  assert.equal(matches(machine, searchWords('pay stage'), ['Payments']), false);
});

test('after sign-in only paths of this origin are followed', () => {
  for (const next of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/a\nb',
    undefined,
  ])
    assert.equal(safeNext(next), '/');
  assert.equal(safeNext('/s/ses_1?watch=1'), '/s/ses_1?watch=1');
});

test('label selectors survive being written and read', () => {
  const selector = { env: ['prod', 'stage'], team: ['payments'] };
  assert.deepEqual(selectorOf(selectorText(selector)), selector);
  assert.deepEqual(selectorOf('env= nonsense env=prod,prod'), { env: ['prod'] });
  assert.deepEqual(textToLabels(labelsToText({ 'team:owner': 'a:b', plain: 'x\\:y' })), {
    'team:owner': 'a:b',
    plain: 'x\\:y',
  });
  assert.deepEqual(textToLabels(labelsToText({ url: 'https://x:1', empty: '' })), { url: 'https://x:1', empty: '' });
});

test('only parameters that differ from the default are sent', () => {
  const text = { en: 'x', de: 'x' };
  const base = { label: text, group: text };
  const engine = {
    parameters: [
      { ...base, name: 'alive', kind: 'number', default: 15, minimum: 1, maximum: 99 },
      { ...base, name: 'old', kind: 'boolean', default: false },
      { ...base, name: 'lines', kind: 'list', maxItems: 9, maxLength: 9 },
    ],
  } as unknown as Engine;
  assert.deepEqual(changedParameters(engine, { alive: 15, old: true, lines: [], unknown: 1 }), { old: true });
});

test('control and bidirectional characters are shown as escapes', () => {
  assert.equal(printable('a\u001b]0;x\u202Eb\u2066c'), 'a\\u{1b}]0;x\\u{202e}b\\u{2066}c');
  assert.equal(printable('日本 – é'), '日本 – é');
});

test('days begin and end in the zone of the person', () => {
  assert.equal(startOfDay('2026-11-21'), new Date(2026, 10, 21).getTime());
  assert.equal(endOfDay('2026-11-21'), new Date(2026, 10, 22).getTime() - 1);
  assert.equal(startOfDay('yesterday'), undefined);
});

test('an IPv6 address stands in brackets before its port', () => {
  assert.equal(hostPort({ host: '2001:db8::1', port: 22 }), '[2001:db8::1]:22');
});
