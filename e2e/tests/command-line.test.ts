import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { until } from '@enchilada/core/testing/until';
import { type Ran, runCommand, runJson } from '../fixtures/command.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, Site, startSshd } from './site.ts';

let sshd: Sshd;
let site: Site;
const owned = new AsyncDisposableStack();
let base: string;
let passwordFile: string;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-cli-'));
  passwordFile = join(base, 'password');
  await writeFile(passwordFile, `${ADMIN.password}\n`, { mode: 0o600 });
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
});
after(async () => {
  await owned.disposeAsync();
  await rm(base, { recursive: true, force: true });
});

const enchilada = (...words: readonly string[]): Promise<Ran> => runCommand(base, words);
const json = (...words: readonly string[]): Promise<Record<string, unknown>> => runJson(base, words);

/** The recording of a machine, once it is whole. */
function completeOf(machine: string): Promise<string> {
  return until(async () => {
    const { items } = await json('recordings', 'list', machine);
    return (items as { id: string; state: string }[]).find(({ state }) => state === 'complete')?.id;
  }, `a recording of ${machine}`);
}

test('an operator signs in, sets up access, and signs out', async () => {
  assert.equal((await enchilada('whoami')).exitCode, 3);
  const refused = await enchilada('login', site.gateway.url, 'nobody', '--password-file', passwordFile);
  assert.equal(refused.exitCode, 3);
  assert.match(refused.stderr, /LOGIN_REFUSED/u);
  const first = await enchilada('login', site.gateway.url, ADMIN.username, '--password-file', passwordFile);
  assert.equal(first.exitCode, 3);
  assert.match(first.stderr, /a second factor is demanded of you/u);
  await site.admin.enrolPasskey(ADMIN.username);
  const { recoveryCodes } = await site.admin.api.renewRecoveryCodes();
  const codeFile = join(base, 'code');
  await writeFile(codeFile, `${recoveryCodes[0] ?? ''}\n`, { mode: 0o600 });
  const words = ['login', site.gateway.url, ADMIN.username, '--password-file', passwordFile, '--code-file', codeFile];
  assert.match((await enchilada(...words)).stdout, /Signed in/u);
  assert.match((await enchilada(...words)).stderr, /FACTOR_REFUSED/u);
  const web1 = ['targets', 'add', 'web1', 'web1.example.org', '--protocol', 'ssh', '--label', 'env=prod'];
  await json(...web1, '--parameter', 'keepaliveSeconds=20');
  await json('users', 'add', 'anna', '--password-file', passwordFile);
  await json('groups', 'add', 'ops');
  await json('groups', 'join', 'ops', 'anna');
  assert.match((await enchilada('groups', 'members', 'ops')).stdout, /^usr_\w+ +anna +anna$/mu);
  await json('grants', 'add', '--group', 'ops', '--label', 'env=prod');
  const anna = await Person.signIn(site.gateway.url, { username: 'anna', password: ADMIN.password });
  assert.deepEqual(
    (await anna.api.listMachines({ query: {} })).items.map(({ name }) => name),
    ['web1'],
  );
  const then = new Date().toISOString();
  await json('groups', 'leave', 'ops', 'anna');
  const who = async (...words: readonly string[]) =>
    ((await json('access', 'who', 'web1', ...words)) as { items: { username: string }[] }).items.map(
      ({ username }) => username,
    );
  assert.deepEqual([await who(), await who('--at', then)], [[], ['anna']]);
  assert.match((await enchilada('access', 'why', 'anna', 'web1', '--at', then)).stdout, /could then connect on web1/u);
  assert.match((await enchilada('access', 'who', 'web1', '--at', '2020-01-01T00:00Z')).stderr, /HISTORY_UNKNOWN/u);
  assert.equal((await enchilada('access', 'who', 'web1', '--at', '2026-11-20')).exitCode, 2);
  await json('users', 'add', 'nightly', '--service', '--role', 'auditor');
  const made = await json('tokens', 'add', 'nightly', 'report', '--permission', 'audit.read', '--days', '7');
  const asked = await fetch(`${site.gateway.url}/api/v1/audit`, {
    headers: { authorization: `Bearer ${String(made['value'])}` },
  });
  assert.equal(asked.status, 200);
  const { items } = (await json('tokens', 'list', 'nightly')) as { readonly items: readonly { readonly id: string }[] };
  await json('tokens', 'remove', 'nightly', items[0]?.id ?? '');
  assert.deepEqual((await json('tokens', 'list', 'nightly'))['items'], []);
  assert.match((await enchilada('targets', 'remove', 'wbe1')).stderr, /the nearest name is "web1"/u);
  await writeFile(join(base, 'machines.csv'), 'name,protocol,host\ndb1,ssh,db1.example.org\n');
  assert.match((await enchilada('targets', 'import', 'machines.csv')).stdout, /Preview: 1 to create/u);
  assert.equal((await json('targets', 'import', 'machines.csv', '--save'))['created'], 1);
});

test('a program works with a token from a file that only it may read, within the scope of the token', async () => {
  const { value } = await site.admin.api.createToken({ body: { name: 'ci', scope: ['catalog.read'], days: 1 } });
  const file = join(base, 'token');
  await writeFile(file, `${value}\n`, { mode: 0o600 });
  Object.assign(process.env, { ENCH_URL: site.gateway.url, ENCH_TOKEN_FILE: file });
  try {
    assert.deepEqual((await json('whoami'))['permissions'], ['catalog.read']);
    assert.match((await enchilada('users', 'list')).stderr, /FORBIDDEN/u);
  } finally {
    delete process.env['ENCH_URL'];
    delete process.env['ENCH_TOKEN_FILE'];
  }
});

test('what a machine is named cannot move the cursor of the one who lists it', async () => {
  await site.admin.api.createTarget({
    body: { name: 'evil \u202e\u009b2J name', protocol: 'ssh', host: '192.0.2.1', port: 22 },
  });
  for (const words of [
    ['targets', 'list'],
    ['audit', 'list'],
    ['audit', 'export'],
    ['audit', 'export', '--format', 'csv'],
    ['audit', 'list', '--json'],
  ]) {
    const { stdout, exitCode } = await enchilada(...words);
    assert.equal(exitCode, 0);
    assert.match(stdout, /evil \\u202e\\u009b2J name/u, words.join(' '));
    assert.doesNotMatch(
      stdout,
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u,
      words.join(' '),
    );
  }
});

test('a session is listed and ended from the command line, with the reason that its person is shown', async () => {
  const shell = await site.admin.open(await site.machineOn(sshd, { name: 'ended-from-afar' }));
  await shell.live();
  const { items } = await json('sessions', 'list');
  const rows = items as readonly { readonly id: string; readonly targetName: string }[];
  assert.deepEqual(
    rows.map(({ id }) => id),
    [shell.sessionId],
  );
  assert.deepEqual(await json('sessions', 'end', shell.sessionId, '--reason', 'the shift is over'), {
    ended: shell.sessionId,
  });
  assert.match(JSON.stringify(await shell.ended()), /the shift is over/u);
  // Who sat in it is told before its end is written down.
  await until(async () => ((await json('sessions', 'list'))['items'] as readonly unknown[]).length === 0);
  const again = await enchilada('sessions', 'end', 'ses_nobody', '--json');
  assert.notEqual(again.exitCode, 0);
  assert.match(again.stdout + again.stderr, /NOT_FOUND/u);
});

test('the owner of a session has somebody look on, and sends them away, from the command line', async () => {
  const targetId = await site.machineOn(sshd, { name: 'shown-to-others' });
  await site.grant(site.admin, targetId, ['share']);
  const guest = await site.person('gil-the-guest');
  await using shell = await site.admin.open(targetId);
  await shell.live();
  const { sessionId } = shell;
  const odd = await enchilada('shares', 'add', sessionId, 'gil-the-guest', '--for', 'long');
  assert.deepEqual([odd.exitCode, (await enchilada('shares', 'list', 'ses_nobody')).exitCode], [2, 1]);
  const asked = Date.now();
  const made = await json('shares', 'add', sessionId, 'gil-the-guest', '--for', '15m');
  assert.ok(Number(made['expiresAt']) >= asked + 15 * 60_000);
  assert.ok(Number(made['expiresAt']) <= Date.now() + 15 * 60_000);
  await using watching = await guest.join(sessionId, 'watch');
  await watching.live();
  assert.match((await enchilada('shares', 'list', sessionId)).stdout, /gil-the-guest/u);
  assert.match(
    (await enchilada('shares', 'remove', sessionId, 'gil-the-gust')).stderr,
    /nearest name is "gil-the-guest"/u,
  );
  assert.deepEqual(await json('shares', 'remove', sessionId, 'gil-the-guest'), { removed: made['id'] });
  assert.equal((await watching.ended()).reason, 'SESSION_REVOKED');
  assert.deepEqual((await json('shares', 'list', sessionId))['items'], []);
});

test('an auditor downloads a recording and verifies it with the trusted key alone, and the audit log offline', async () => {
  const shell = await site.admin.open(await site.machineOn(sshd, { name: 'recorded' }));
  await shell.live();
  shell.type('echo seen-$((6*7))\rexit\r');
  await shell.ended();
  const id = await completeOf('recorded');
  await json('recordings', 'download', id, '--output', 'recording.tar');
  await mkdir(join(base, 'unpacked'));
  execFileSync('tar', ['-xf', join(base, 'recording.tar'), '-C', join(base, 'unpacked')]);
  const trust = join(site.gateway.dataDir, 'recording-trust.json');
  const verified = await enchilada('verify', 'unpacked', '--trust', trust);
  assert.equal(verified.exitCode, 0, verified.stdout + verified.stderr);
  assert.equal((await enchilada('recordings', 'verify', id)).exitCode, 0);
  await json('recordings', 'export', id, '--format', 'text', '--output', 'recording.txt');
  assert.match(await readFile(join(base, 'recording.txt'), 'utf8'), /seen-42/u);
  await json('audit', 'export', '--output', 'audit.jsonl');
  assert.equal((await enchilada('audit', 'verify', 'audit.jsonl')).exitCode, 0);
  const lines = (await readFile(join(base, 'audit.jsonl'), 'utf8')).trimEnd().split('\n');
  await writeFile(join(base, 'cut.jsonl'), lines.toSpliced(3, 1).join('\n'));
  const cut = await enchilada('audit', 'verify', 'cut.jsonl');
  assert.equal(cut.exitCode, 5);
  assert.match(cut.stdout, /1 are missing/u);
  assert.equal((await enchilada('audit', 'verify')).exitCode, 0);
});

test('the recording of a desktop is not exported as an empty text, and the command line says what to do instead', async () => {
  await using desktop = await startXvnc({ geometry: '64x48' });
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: 'of the desktop', kind: 'password', username: '', secret: desktop.password },
  });
  const at = { host: desktop.host, port: desktop.port, credentialId };
  const shell = await site.admin.open(await site.machine({ ...at, name: 'desktop', protocol: 'vnc' }));
  await shell.live();
  await shell[Symbol.asyncDispose]();
  const id = await completeOf('desktop');
  for (const format of ['text', 'asciicast']) {
    const refused = await enchilada('recordings', 'export', id, '--format', format, '--output', 'desktop.out');
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /a desktop, which has no text; play it .*download.*\(RECORDING_HAS_NO_TEXT,/u);
    assert.equal(existsSync(join(base, 'desktop.out')), false);
  }
  await json('recordings', 'download', id, '--output', 'desktop.tar');
  assert.equal((await enchilada('recordings', 'verify', id)).exitCode, 0);
});

test('a command line that may not be signed in by way of a browser says so, and what is left', async () => {
  await site.admin.api.setSettings({ body: { deviceSignIn: false } });
  await using _ = {
    [Symbol.asyncDispose]: async () => void (await site.admin.api.setSettings({ body: { deviceSignIn: true } })),
  };
  const refused = await enchilada('login', site.gateway.url);
  assert.deepEqual([refused.exitCode, refused.stdout], [3, '']);
  assert.match(refused.stderr, /its administrator switched that off/u);
  assert.match(refused.stderr, /enchilada login URL USERNAME/u);
  assert.ok(!refused.stderr.includes('enter the code'));
});

test('doctor finds a running gateway healthy', async () => {
  const { exitCode, stdout } = await enchilada('doctor', '--data-dir', site.gateway.dataDir, '--url', site.gateway.url);
  assert.equal(exitCode, 0, stdout);
});

test('a backup of a stopped gateway, restored elsewhere with its keys, serves the same people and machines', async () => {
  const dataDir = join(base, 'data');
  const [archive, copy] = [join(base, 'backup.tar'), join(base, 'copy')];
  {
    await using gateway = await Gateway.start({ dataDir });
    const admin = await Person.bootstrap(gateway, ADMIN);
    await admin.api.createTarget({ body: { name: 'kept', protocol: 'ssh', host: 'kept.example.org', port: 22 } });
  }
  await json('backup', '--data-dir', dataDir, '--to', archive);
  const restored = await enchilada('restore', '--from', archive, '--data-dir', copy);
  assert.equal(restored.exitCode, 5);
  assert.match(restored.stdout, /keys\/key-encryption\.key/u);
  await rm(copy, { recursive: true });
  await json('restore', '--from', archive, '--data-dir', copy, '--keys-from', join(dataDir, 'keys'));
  await using gateway = await Gateway.start({ dataDir: copy });
  const admin = await Person.signIn(gateway.url, ADMIN);
  assert.deepEqual(
    (await admin.api.listTargets({ query: {} })).items.map(({ name }) => name),
    ['kept'],
  );
  assert.equal((await admin.api.verifyAudit()).intact, true);
});
