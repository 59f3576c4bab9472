import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Target } from '@enchilada/contract';
import { aGrant } from '@enchilada/core/testing/store-fixture';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

const MACHINE = {
  name: 'machine',
  protocol: 'proto',
  host: '10.0.0.1',
  port: 22,
  labels: { env: 'prod' } as Record<string, string>,
  description: '',
  parameters: {},
  hostKeyPolicy: 'ask' as const,
};
const RESERVED = ['cloud:account', 'cloud:placed-by', 'tag:team'] as const;
/** As discovery writes them for a machine that somebody's tag moved into a group. */
const FOUND = { 'cloud:account': '111', 'cloud:placed-by': 'tag', 'tag:team': 'payments' };

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  const cookie = await fixture.signIn(node, 'root');
  const send = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown) =>
    call(node, method, path, { cookie, ...(body === undefined ? {} : { body }) });
  const discovered = async (): Promise<Target> => {
    const made = (await send('POST', '/targets', MACHINE)).json<Target>();
    const target = await fixture.store.now.catalog.findTarget(made.id);
    assert.ok(target);
    const labels = { ...FOUND, env: 'prod' };
    await fixture.store.transaction((tx) => tx.catalog.updateTarget({ ...target, labels, proofMinutes: 5 }));
    return (await send('GET', `/targets/${made.id}`)).json<Target>();
  };
  return { fixture, send, discovered };
}

test('labels that discovery writes are refused from people, in words, wherever they come from', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  for (const name of RESERVED) {
    const labels = { env: 'prod', [name]: 'x' };
    const created = await send('POST', '/targets', { ...MACHINE, labels });
    assert.equal(created.statusCode, 400);
    const { detail } = created.json<{ detail: string }>();
    assert.ok(detail.includes(JSON.stringify(name)) && detail.includes('discovery alone'), detail);
    const text = JSON.stringify([{ name: 'm', protocol: 'proto', host: 'h', labels }]);
    const imported = await send('POST', '/targets/import', { format: 'yaml', text, preview: false });
    const { saved, rows } = imported.json<{ saved: boolean; rows: { problems: { message: string }[] }[] }>();
    assert.equal(saved, false);
    assert.match(rows[0]?.problems[0]?.message ?? '', /is not for people to write/u);
  }
  assert.deepEqual(await fixture.store.now.catalog.listTargets(), []);
});

test('an edit neither changes, adds nor takes away what discovery wrote', async () => {
  const { fixture, send, discovered } = await ready();
  await using _ = fixture;
  const machine = await discovered();
  const put = (labels: Record<string, string>) =>
    send('PUT', `/targets/${machine.id}`, { ...MACHINE, labels, version: machine.version });
  for (const wrong of [
    { ...FOUND, 'cloud:account': '222' },
    { ...FOUND, 'cloud:region': 'eu' },
    { ...FOUND, 'tag:other': 'x' },
  ])
    assert.equal((await put(wrong)).statusCode, 400, JSON.stringify(wrong));
  const edited = await put({ env: 'dev' });
  assert.equal(edited.statusCode, 200);
  assert.deepEqual(edited.json<Target>().labels, { env: 'dev', ...FOUND });
});

test('an import keeps what a file cannot say: what discovery wrote, and the proof that the machine asks for', async () => {
  const { fixture, send, discovered } = await ready();
  await using _ = fixture;
  const machine = await discovered();
  const imported = await send('POST', '/targets/import', {
    format: 'csv',
    text: 'name,protocol,host,labels\nmachine,proto,10.0.0.2,env=dev\n',
    preview: false,
  });
  assert.equal(imported.json<{ saved: boolean }>().saved, true);
  const after = (await send('GET', `/targets/${machine.id}`)).json<Target>();
  assert.deepEqual([after.host, after.labels, after.proofMinutes], ['10.0.0.2', { env: 'dev', ...FOUND }, 5]);
});

test('a grant may rest on what only trusted people set, and on no tag that anybody may', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const grant = (selector: Record<string, string[]>) =>
    send('POST', '/grants', {
      subject: { kind: 'user', id: 'usr_ann' },
      scope: { kind: 'labels', selector },
      actions: ['connect'],
    });
  const refused = await grant({ env: ['prod'], 'tag:team': ['payments'] });
  assert.equal(refused.statusCode, 400);
  assert.match(refused.json<{ detail: string }>().detail, /must not rest on "tag:team".*protected/u);
  assert.deepEqual(await fixture.store.now.grants.list(), []);
  assert.equal((await grant({ 'cloud:account': ['111'] })).statusCode, 201);
});

test('machines are found by labels whose names hold a colon', async () => {
  const { fixture, send, discovered } = await ready();
  await using _ = fixture;
  const machine = await discovered();
  await fixture.store.now.grants.insert(
    aGrant({ kind: 'user', id: 'usr_root' }, { scope: { kind: 'target', id: machine.id } }),
  );
  const count = async (label: string) =>
    (await send('GET', `/machines?label=${encodeURIComponent(label)}`)).json<{ total: number }>().total;
  for (const label of ['env', 'env:prod', 'cloud:account', 'cloud:account:111'])
    assert.equal(await count(label), 1, label);
  for (const label of ['cloud', 'env:', 'cloud:account:222', 'env:prod:x']) assert.equal(await count(label), 0, label);
});
