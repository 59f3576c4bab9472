import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import { runCommand, runJson } from '../fixtures/command.ts';
import { Site } from './site.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let base: string;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-report-'));
  owned.defer(() => rm(base, { recursive: true, force: true }));
  site = owned.use(await Site.start());
});
after(() => owned.disposeAsync());

test('an auditor answers on the command line who could reach what, and the file is held by the audit log', async () => {
  const { api } = site.admin;
  const password = 'a long phrase for the auditor';
  await api.createUser({ body: { username: 'otto', displayName: 'Otto', role: 'auditor', password } });
  await writeFile(join(base, 'password'), `${password}\n`, { mode: 0o600 });
  const una = await api.createUser({ body: { username: 'una', displayName: 'Una', role: 'user', password } });
  const shop = await api.createTarget({ body: { name: 'shop', protocol: 'ssh', host: 'shop.example', labels: {} } });
  const grant = await api.createGrant({
    body: { subject: { kind: 'user', id: una.id }, scope: { kind: 'target', id: shop.id }, actions: ['connect'] },
  });
  const granted = Date.now() + 1;
  await until(() => Date.now() > granted);
  await api.deleteGrant({ params: { id: grant.id } });
  await api.deleteTarget({ params: { id: shop.id }, query: { version: shop.version } });

  const enchilada = (...words: readonly string[]) => runCommand(base, words);
  const signedIn = await enchilada('login', site.gateway.url, 'otto', '--password-file', join(base, 'password'));
  assert.equal(signedIn.exitCode, 0, signedIn.stderr);
  const at = ['--at', new Date(granted).toISOString()];
  for (const question of [
    ['--user', 'una'],
    ['--target', 'shop'],
  ]) {
    const told = await enchilada('access', 'report', ...question, ...at);
    assert.equal(told.exitCode, 0, told.stderr);
    assert.match(told.stdout, new RegExp(`una +shop +connect .*${grant.id} \\(user una: machine shop\\)`, 'u'));
  }
  assert.match((await enchilada('access', 'report', '--user', 'una')).stdout, /Nothing could be reached/u);
  assert.equal((await enchilada('access', 'report')).exitCode, 2);

  const whole = join(base, 'whole.csv');
  assert.equal((await enchilada('access', 'report', '--everything', ...at)).exitCode, 2, 'into a file alone');
  assert.equal((await enchilada('access', 'report', '--everything', '--user', 'una')).exitCode, 2);
  await runJson(base, ['access', 'report', '--everything', ...at, '--output', whole]);
  assert.match(await readFile(whole, 'utf8'), new RegExp(`"una","Una","${una.id}","shop",.*"${grant.id}"`, 'u'));

  const file = join(base, 'una.json');
  await runJson(base, ['access', 'report', '--user', 'una', ...at, '--output', file]);
  const report = JSON.parse(await readFile(file, 'utf8')) as {
    at: string;
    audit: { hash: string };
    items: { targetName: string }[];
  };
  assert.deepEqual([report.at, report.items.map(({ targetName }) => targetName)], [at[1], ['shop']]);
  const log = join(base, 'audit.jsonl');
  await runJson(base, ['audit', 'export', '--output', log]);
  assert.equal((await enchilada('audit', 'verify', log)).exitCode, 0);
  const records = (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes('"access.exported"'));
  const record = records.find((line) => line.includes('"user":"una"')) ?? '{}';
  const { hash, detail } = JSON.parse(record) as { hash?: string; detail?: object };
  assert.equal(hash, report.audit.hash);
  assert.deepEqual(detail, { format: 'json', user: 'una', at: report.at, rows: 1 });
});
