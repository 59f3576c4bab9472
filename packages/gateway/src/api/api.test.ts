import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { call, GatewayFixture, PASSWORD } from '../testing/gateway-fixture.ts';
import { parseCsv } from '@enchilada/core/text';
import { csvField } from './csv.ts';

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  const root = await fixture.signIn(node, 'root');
  const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
    call(node, method, path, { cookie: root, ...(body === undefined ? {} : { body }) });
  return { fixture, node, root, send };
}

const CSV =
  'name,protocol,host,port,group,labels,jump,parameters.command\nweb-1,proto,10.0.0.1,,prod/web,env=prod;tier=web,,\n"db, main",proto,10.0.0.2,2022,prod,env:prod,web-1,top\n';

test('an import shows each row first, saves all of it or nothing, and updates by name the second time', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const post = async (text: string, preview = false, format = 'csv') =>
    (await send('POST', '/targets/import', { format, text, preview })).json<{
      saved: boolean;
      created: number;
      updated: number;
      refused: number;
      rows: { line: number; problems: { field: string; message: string }[] }[];
    }>();
  const preview = await post(CSV, true);
  assert.deepEqual([preview.saved, preview.created, preview.refused], [false, 2, 0]);
  assert.equal((await fixture.store.now.catalog.listTargets()).length, 0);
  const bad = await post(`${CSV}x,nowhere,10.0.0.3,99999,,,,\nweb-1,proto,10.0.0.9,,,,,\ny,proto,10.0.0.3,,,,ghost,`);
  assert.deepEqual([bad.saved, bad.refused], [false, 3]);
  assert.deepEqual(
    bad.rows.map(({ line }) => line),
    [2, 3, 4, 5, 6],
  );
  assert.match(JSON.stringify(bad.rows[3]?.problems), /twice/u);
  assert.equal((await fixture.store.now.catalog.listTargets()).length, 0);
  assert.equal((await post(CSV)).saved, true);
  const targets = await fixture.store.now.catalog.listTargets();
  const web = targets.find(({ name }) => name === 'web-1');
  const db = targets.find(({ name }) => name === 'db, main');
  assert.deepEqual({ port: web?.port, labels: web?.labels }, { port: 2200, labels: { env: 'prod', tier: 'web' } });
  assert.deepEqual([db?.jumpTargetId, db?.parameters], [web?.id, { command: 'top' }]);
  assert.deepEqual((await fixture.store.now.catalog.listGroups()).map(({ name }) => name).sort(), ['prod', 'web']);
  const again = await post('- { name: WEB-1, protocol: proto, host: 10.9.9.9, labels: { env: dev } }\n', false, 'yaml');
  assert.deepEqual([again.saved, again.updated], [true, 1]);
  assert.equal((await fixture.store.now.catalog.findTarget(web?.id ?? ''))?.host, '10.9.9.9');
  assert.ok((await post('name: [', true, 'yaml')).refused === 1);
});

test('a person sees, searches and counts what they were granted, and nothing else', async () => {
  const { fixture, node, send } = await ready();
  await using _ = fixture;
  await send('POST', '/targets/import', { format: 'csv', text: CSV, preview: false });
  const ann = await fixture.signIn(node, 'ann');
  const machines = async (query = '') =>
    (await call(node, 'GET', `/machines${query}`, { cookie: ann })).json<{
      items: { name: string }[];
      total: number;
    }>();
  assert.equal((await machines()).total, 0);
  const grant = await send('POST', '/grants', {
    subject: { kind: 'user', id: 'usr_ann' },
    scope: { kind: 'labels', selector: { tier: ['web'] } },
    actions: ['connect'],
  });
  assert.equal(grant.statusCode, 201, grant.body);
  assert.deepEqual(
    (await machines()).items.map(({ name }) => name),
    ['web-1'],
  );
  assert.equal((await machines('?text=PROD%20web')).total, 1);
  assert.equal((await machines('?label=env:prod')).total, 1);
  assert.equal((await machines('?text=db')).total, 0);
  const groups = (await call(node, 'GET', '/machine-groups', { cookie: ann })).json<{
    items: { name: string; machines: number }[];
  }>();
  assert.deepEqual(
    groups.items.map(({ name, machines: count }) => [name, count]),
    [
      ['prod', 1],
      ['web', 1],
    ],
  );
  await send('DELETE', `/grants/${grant.json<{ id: string }>().id}`);
  assert.equal((await machines()).total, 0);
  assert.ok(
    (await fixture.store.now.commands.after(0, 100)).some(
      ({ command }) => command.kind === 'recheck-user' && command.userId === 'usr_ann',
    ),
  );
});

test('the try-it machine comes with a grant and goes with the first real machine', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const { targetId } = (await send('POST', '/try-it')).json<{ targetId: string }>();
  assert.equal((await send('GET', `/machines/${targetId}`)).statusCode, 200);
  assert.equal((await send('POST', '/try-it')).json<{ targetId: string }>().targetId, targetId);
  const made = await send('POST', '/targets', {
    name: 'real',
    protocol: 'proto',
    host: 'real.test',
    parameters: { weak: true },
  });
  assert.equal(made.statusCode, 201, made.body);
  assert.equal((await send('GET', `/machines/${targetId}`)).statusCode, 404);
  assert.equal((await send('POST', '/try-it')).statusCode, 409);
  assert.ok(
    fixture.audit.events.some(
      ({ action, detail }) => action === 'weakening.enabled' && detail?.['parameter'] === 'weak',
    ),
  );
});

test('a machine is refused by field where it does not fit its protocol, its credential or its way', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const machine = { name: 'a', protocol: 'proto', host: 'a.test' };
  const field = async (change: object) => {
    const response = await send('POST', '/targets', { ...machine, ...change });
    assert.equal(response.statusCode, 400, response.body);
    return response.json<{ facts: { field: string } }>().facts.field;
  };
  assert.equal(await field({ protocol: 'other' }), 'body/protocol');
  assert.equal(await field({ parameters: { nothing: 1 } }), 'body/parameters/nothing');
  assert.equal(await field({ parameters: { command: 'x'.repeat(21) } }), 'body/parameters/command');
  assert.equal(await field({ groupId: 'tgp_none' }), 'body/groupId');
  assert.equal(await field({ jumpTargetId: 'tgt_none' }), 'body/jumpTargetId');
  const login = (await send('POST', '/credentials', { name: 'l', kind: 'login-password', username: '' })).json<{
    id: string;
  }>();
  assert.equal(await field({ credentialId: login.id }), 'body/credentialId');
  const first = (await send('POST', '/targets', machine)).json<{ id: string; version: number }>();
  const loop = await send('PUT', `/targets/${first.id}`, {
    ...machine,
    port: 1,
    labels: {},
    description: '',
    parameters: {},
    hostKeyPolicy: 'ask',
    jumpTargetId: first.id,
    version: first.version,
  });
  assert.match(loop.json<{ detail: string }>().detail, /comes back to itself/u);
});

test('secrets go in and never come out', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const made = await send('POST', '/credentials', {
    name: 'c',
    kind: 'password',
    username: 'u',
    secret: 'canary-secret',
  });
  assert.equal(made.statusCode, 201, made.body);
  const { id, version } = made.json<{ id: string; version: number }>();
  const answers = [
    made,
    await send('GET', '/credentials'),
    await send('GET', `/credentials/${id}`),
    await send('PUT', `/credentials/${id}`, { name: 'd', username: 'u', secret: 'canary-2', version }),
  ];
  for (const { statusCode, body } of answers) {
    assert.ok(statusCode < 300, body);
    assert.ok(!/canary|sealed|wrapped|cipher/u.test(body), body);
  }
  assert.equal(
    (await send('POST', '/credentials', { name: 'e', kind: 'ask', username: '', secret: 'x' })).statusCode,
    400,
  );
});

test('the last administrator stays, and a change on an old version is refused', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const version = async () => (await fixture.store.now.users.find('usr_root'))?.version ?? 0;
  for (const change of [{ disabled: true }, { role: 'user' }]) {
    assert.equal(
      (await send('PUT', '/users/usr_root', { ...change, version: await version() })).json<{ code: string }>().code,
      'LAST_ADMINISTRATOR',
    );
  }
  assert.equal((await send('DELETE', `/users/usr_root?version=${await version()}`)).statusCode, 409);
  assert.equal(
    (await send('PUT', '/users/usr_ann', { displayName: 'A', version: 99 })).json<{ code: string }>().code,
    'CONFLICT',
  );
  assert.equal((await send('POST', '/users', { username: ' Ann', displayName: '', role: 'user' })).statusCode, 400);
  assert.equal((await send('POST', '/users', { username: 'ANN', displayName: '', role: 'user' })).statusCode, 409);
});

test('a recording is streamed as events, viewed once an hour in the audit, and the own ones close by a setting', async () => {
  const { fixture, node, send } = await ready();
  await using _ = fixture;
  const ann = await fixture.signIn(node, 'ann');
  const at = fixture.clock.now();
  await fixture.store.now.recordings.insert({
    id: 'rec_a',
    sessionId: 'ses_a',
    userId: 'usr_ann',
    username: 'ann',
    targetId: 'tgt_a',
    targetName: 'a',
    protocol: 'proto',
    surface: 'terminal',
    nodeId: 'n',
    state: 'complete',
    startedAt: at,
    endedAt: at,
    durationMs: 1,
    storedBytes: 1,
    chunks: 1,
    endReason: undefined,
  });
  for (let round = 0; round < 3; round++) {
    const response = await call(node, 'GET', '/recordings/rec_a/events?fromChunk=1', { cookie: ann });
    assert.equal(response.headers['content-type'], 'application/vnd.enchilada.events');
    const decoder = new RecordingStreamDecoder();
    const [timed] = decoder.push(new Uint8Array(response.rawPayload));
    assert.ok(
      decoder.complete && timed?.event.kind === 'output' && new TextDecoder().decode(timed.event.bytes) === 'shown',
    );
  }
  assert.equal(fixture.audit.events.filter(({ action }) => action === 'recording.viewed').length, 1);
  const tar = await send('GET', '/recordings/rec_a/download');
  assert.equal(tar.rawPayload.subarray(0, 9).toString(), 'head.json');
  assert.equal(tar.rawPayload.length % 512, 0);
  assert.equal(tar.headers['content-disposition'], 'attachment; filename="rec_a.tar"');
  assert.equal((await send('PUT', '/settings', { ownRecordings: false })).statusCode, 200);
  assert.equal((await call(node, 'GET', '/recordings/rec_a', { cookie: ann })).statusCode, 404);
  assert.deepEqual((await call(node, 'GET', '/recordings', { cookie: ann })).json<{ items: unknown[] }>().items, []);
});

test('a recording of a desktop is not given as text, in words that say what to do instead', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const at = fixture.clock.now();
  const common = {
    userId: 'usr_ann',
    username: 'ann',
    targetId: 'tgt_a',
    targetName: 'a',
    protocol: 'proto',
    nodeId: 'n',
  };
  const facts = { state: 'complete', startedAt: at, endedAt: at, durationMs: 1, storedBytes: 1, chunks: 1 } as const;
  for (const surface of ['terminal', 'rfb'])
    await fixture.store.now.recordings.insert({
      ...{ ...common, ...facts, surface, id: `rec_${surface}`, sessionId: `ses_${surface}`, endReason: undefined },
    });
  for (const format of ['text', 'asciicast']) {
    assert.equal((await send('GET', `/recordings/rec_terminal/export?format=${format}`)).statusCode, 200);
    const refused = await send('GET', `/recordings/rec_rfb/export?format=${format}`);
    assert.equal(refused.statusCode, 422);
    assert.match(String(refused.headers['content-type']), /^application\/problem\+json/u);
    const { code, detail } = refused.json<{ code: string; detail: string }>();
    assert.equal(code, 'RECORDING_HAS_NO_TEXT');
    assert.match(detail, /play it in the browser, or download/u);
  }
  const exported = fixture.audit.events.filter(({ action }) => action === 'recording.exported');
  assert.deepEqual([...new Set(exported.map(({ object }) => object?.id))], ['rec_terminal']);
  assert.equal((await send('GET', '/recordings/rec_rfb/download')).statusCode, 200);
});

test('consent is demanded where the banner asks for it', async () => {
  const { fixture, node, send } = await ready();
  await using _ = fixture;
  await send('PUT', '/settings', { bannerText: 'All is recorded.\nAgreed?', bannerConsent: true });
  assert.equal((await call(node, 'GET', '/sign-in')).json<{ banner: { consent: boolean } }>().banner.consent, true);
  assert.equal((await call(node, 'POST', '/login', { body: { username: 'ann', password: PASSWORD } })).statusCode, 400);
  assert.equal(
    (await call(node, 'POST', '/login', { body: { username: 'ann', password: PASSWORD, consent: true } })).statusCode,
    200,
  );
});

test('the audit export holds one line an event, and no cell begins a formula', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const names = ['=cmd|calc', '+1', '-1', '@x', '\tx', 'a\r\nb,"c"', '\u202Eexe.txt', '\u001b[31m'];
  for (const [index, name] of names.entries()) {
    await fixture.store.now.audit.append({
      action: 'login.refused',
      actor: { kind: 'anonymous', name },
      outcome: 'failure',
      node: 'n',
      sequence: index + 1,
      at: index,
      previous: '0'.repeat(64),
      hash: String(index).repeat(64),
    });
  }
  const csv = (await send('GET', '/audit/export?format=csv')).body;
  const rows = parseCsv(csv);
  assert.equal(rows.length, names.length + 1);
  assert.equal(csv.trimEnd().split('\r\n').length, names.length + 1);
  for (const { fields } of rows) for (const field of fields) assert.ok(!/^[=+\-@\t\r]/u.test(field), field);
  const lines = (await send('GET', '/audit/export?format=jsonl')).body.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { actor: { name: string } }).actor.name),
    names,
  );
  assert.ok(!lines.join('').includes('\u202E'));
  assert.equal(csvField('=1+1'), '"\'=1+1"');
});

test('a host key is pinned from a known_hosts line and listed by its fingerprint', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const { id } = (await send('POST', '/targets', { name: 'a', protocol: 'proto', host: 'a.test' })).json<{
    id: string;
  }>();
  // The fingerprint is what `ssh-keygen -l` prints for this key.
  const line = 'a.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  const pinned = await send('POST', `/targets/${id}/host-keys`, { publicKey: line });
  assert.equal(
    pinned.json<{ fingerprint: string }>().fingerprint,
    'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  );
  const listed = await send('GET', `/targets/${id}/host-keys`);
  assert.deepEqual(
    listed.json<{ items: { pinnedByName?: string }[] }>().items.map(({ pinnedByName }) => pinnedByName),
    ['root'],
  );
  assert.equal((await send('POST', `/targets/${id}/host-keys`, { publicKey: 'not a key' })).statusCode, 400);
  const path = `/targets/${id}/host-keys/${encodeURIComponent('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU')}`;
  assert.equal((await send('DELETE', path)).statusCode, 204);
  assert.equal((await send('DELETE', path)).statusCode, 404);
});
