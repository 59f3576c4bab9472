import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseConnections } from './connections.ts';

const parameters = {
  hostname: '10.0.0.1',
  port: '2222',
  username: 'root',
  password: 'hunter2',
  'private-key': '-----BEGIN',
};
const told = (value: unknown) =>
  parseConnections(JSON.stringify(value), 'export.json').map(({ id, facts }) => [
    id,
    facts.name,
    facts.platform,
    facts.privateAddresses[0],
    facts.stated,
  ]);

it('reads the list that its import reads, and of the parameters host and port alone', () => {
  const list = [
    { name: 'web', protocol: 'ssh', group: 'ROOT/Servers', parameters },
    { name: 'desk', protocol: 'RDP', parameters: { hostname: 'desk.example', 'ignore-cert': 'true' } },
    { name: 'own', protocol: 'ssh', parameters: { hostname: '${GUAC_USERNAME}.example' } },
    { name: 'none', protocol: 'ssh', parameters: {} },
  ];
  assert.deepEqual(told(list), [
    ['Servers/web', 'web', 'linux', '10.0.0.1', { protocol: 'ssh', port: 2222, group: 'Servers' }],
    ['desk', 'desk', 'windows', 'desk.example', { protocol: 'rdp' }],
  ]);
  const kept = JSON.stringify(parseConnections(JSON.stringify(list), 'export.json'));
  assert.ok(!kept.includes('hunter2') && !kept.includes('BEGIN') && !kept.includes('root'));
});

it('reads connections by identifier, and the tree of groups', () => {
  assert.deepEqual(told({ 7: { identifier: '7', name: 'web', protocol: 'ssh', parameters } }), [
    ['7', 'web', 'linux', '10.0.0.1', { protocol: 'ssh', port: 2222 }],
  ]);
  const tree = {
    name: 'ROOT',
    identifier: 'ROOT',
    childConnections: [{ identifier: '1', name: 'top', protocol: 'vnc', parameters: { hostname: 'a' } }],
    childConnectionGroups: [
      { name: 'Servers', childConnections: [{ identifier: '2', name: 'web', protocol: 'ssh', parameters }] },
    ],
  };
  assert.deepEqual(told(tree), [
    ['1', 'top', 'linux', 'a', { protocol: 'vnc' }],
    ['2', 'web', 'linux', '10.0.0.1', { protocol: 'ssh', port: 2222, group: 'Servers' }],
  ]);
});

it('refuses what is no export', () => {
  assert.throws(() => parseConnections('{}', 'x'), /no connections/u);
  assert.throws(() => parseConnections('{"error": 1}', 'x'), /no name or no protocol/u);
  assert.throws(() => parseConnections('[{"name": "a"}]', 'x'), /connection 1 has no name or no protocol/u);
});
