import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseAnsible } from './ansible-inventory.ts';

const told = (text: string, name: string) =>
  parseAnsible(text, name).map(({ id, facts }) => [
    id,
    facts.privateAddresses[0],
    facts.platform,
    facts.stated?.port,
    facts.stated?.group,
    Object.keys(facts.tags).sort().join(' '),
  ]);

const EXPECTED = [
  ['bastion.example', 'bastion.example', 'linux', undefined, undefined, ''],
  ['web01.example', 'web01.example', 'linux', 2222, 'production/web', 'group:production group:web'],
  ['web02.example', '10.0.0.2', 'linux', 22, 'production/web', 'group:production group:web'],
  ['dc-1', '10.0.1.1', 'windows', undefined, 'domain', 'group:domain'],
];

it('reads an inventory in INI: ranges, children, variables of groups and hosts', () => {
  const text = `
# a comment
bastion.example
[web]
web[01:02].example
web02.example ansible_host=10.0.0.2 ansible_port=22 ansible_password="p w" ; comment
[web:vars]
ansible_port = 2222
[production:children]
web
[domain]
dc-1 ansible_host='10.0.1.1' ansible_connection=winrm ansible_port=5986
[local]
localhost ansible_connection=local
`;
  assert.deepEqual(told(text, 'hosts'), EXPECTED);
  assert.ok(!JSON.stringify(parseAnsible(text, 'hosts')).includes('p w'));
});

it('reads the same in YAML and as ansible-inventory prints it', () => {
  const yaml = `
all:
  hosts:
    bastion.example:
  children:
    production:
      children:
        web:
          vars: { ansible_port: 2222 }
          hosts:
            web[01:02].example:
            web02.example: { ansible_host: 10.0.0.2, ansible_port: 22, ansible_password: secret }
    domain:
      hosts:
        dc-1: { ansible_host: 10.0.1.1, ansible_connection: winrm }
    local: { hosts: { localhost: { ansible_connection: local } } }
`;
  assert.deepEqual(told(yaml, 'hosts.yml'), EXPECTED);
  const listing = {
    _meta: {
      hostvars: {
        'web01.example': { ansible_port: 2222 },
        'web02.example': { ansible_host: '10.0.0.2', ansible_port: 22 },
        'dc-1': { ansible_host: '10.0.1.1', ansible_connection: 'ansible.builtin.winrm' },
      },
    },
    all: { children: ['ungrouped', 'production', 'domain'] },
    ungrouped: { hosts: ['bastion.example'] },
    production: { children: ['web'] },
    web: { hosts: ['web01.example', 'web02.example'] },
    domain: { hosts: ['dc-1'] },
  };
  assert.deepEqual(told(JSON.stringify(listing), 'hosts.json'), EXPECTED);
});

it('refuses what would need Ansible, and what never ends', () => {
  assert.throws(() => parseAnsible('a ansible_host={{inventory_hostname}}.x', 'hosts'), /template/u);
  assert.throws(() => parseAnsible('web[1:99999999]', 'hosts'), /too long/u);
  assert.throws(() => parseAnsible('a[1:999]b[1:999]c[1:999]', 'hosts'), /too long/u);
  assert.throws(() => parseAnsible('[a:odd]', 'hosts'), /unknown section/u);
  assert.deepEqual(parseAnsible('[a:children]\nb\n[b:children]\na\n[b]\nx', 'hosts').length, 1);
});
