import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { runCommand, runJson } from '../fixtures/command.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';

const NEXT = 'set with a link, by hand 31';
const owned = new AsyncDisposableStack();
let base: string;
let sshd: Sshd;
let site: Site;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-recovery-'));
  owned.defer(() => rm(base, { recursive: true, force: true }));
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
});
after(() => owned.disposeAsync());

const tokenOf = (link: unknown): string => new URL(String(link)).hash.slice(1);

test('a backup of a running gateway, with a session in it, restored elsewhere opens credentials and plays recordings', async () => {
  const { gateway, admin } = site;
  const archive = join(base, 'running.tar');
  const targetId = await site.machineOn(sshd, { name: 'kept' });
  const done = await admin.open(targetId);
  await done.live();
  done.type('echo before-$((6*7))\rexit\r');
  await done.ended();
  await until(async () => (await admin.api.listRecordings({ query: {} })).items[0]?.state === 'complete');
  await using live = await admin.open(targetId);
  await live.live();
  live.type('while :; do echo still-running; done\r');
  await live.see('still-running');
  const made = await runJson(base, ['backup', '--data-dir', gateway.dataDir, '--to', archive]);
  live.type('\u0003');
  assert.equal(made['gateway'], 'running');
  assert.equal((await stat(archive)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(gateway.dataDir, 'control')), ['gateway.json'], 'the copy is removed');
  const { items } = await admin.api.listAudit({ query: { action: 'backup.created' } });
  assert.deepEqual([items[0]?.detail?.['keys'], items[0]?.detail?.['database']], ['left-out', 'copied']);
  assert.match(gateway.log, /"action":"backup.created"/u);

  const copy = join(base, 'copy');
  const keys = ['--keys-from', join(gateway.dataDir, 'keys')];
  await runJson(base, ['restore', '--from', archive, '--data-dir', copy, ...keys]);
  await using restored = await Gateway.start({ dataDir: copy, config: LOOPBACK });
  const there = await Person.signIn(restored.url, ADMIN);
  const { items: sessions } = await there.api.listSessions({ query: { live: true } });
  assert.deepEqual(sessions, [], 'the session that ran during the backup has ended in the copy');
  const { items: recordings } = await there.api.listRecordings({ query: {} });
  assert.deepEqual(recordings.map(({ state }) => state).toSorted(), ['complete', 'incomplete']);
  const complete = recordings.find(({ state }) => state === 'complete');
  assert.equal((await there.api.verifyRecording({ params: { id: complete?.id ?? '' } })).code, 0);
  const incomplete = recordings.find(({ state }) => state === 'incomplete');
  assert.equal((await there.api.verifyRecording({ params: { id: incomplete?.id ?? '' } })).code, 10);
  await using shell = await there.open(targetId);
  await shell.live();
  shell.type('echo opened-$((7*7))\r');
  await shell.see('opened-49');
  assert.equal((await there.api.verifyAudit()).intact, true);
  const noted = await there.api.listAudit({ query: { action: 'backup.restored' } });
  assert.equal(noted.items.length, 1);
});

test('whoever lost their authenticator app gets back in by a link that resets it, and has none of the old factors', async () => {
  const { gateway, admin } = site;
  const names = { username: 'lina', password: NEXT };
  await admin.api.createUser({ body: { ...names, displayName: '', role: 'administrator' } });
  const lina = new Person(gateway.url);
  assert.equal((await lina.api.login({ body: names })).stage, 'enrolment', 'an administrator must have a factor');
  const { app, recoveryCodes } = await lina.enrolApp();
  assert.equal((await lina.api.getMe()).login.factor, 'totp');

  // The phone is lost: the password alone leads to the question for it, and a link without the option to the same question.
  const atTheDoor = async (password: string) => {
    const person = new Person(gateway.url);
    return { person, ...(await person.api.login({ body: { username: names.username, password } })) };
  };
  assert.equal((await atTheDoor(NEXT)).stage, 'second-factor');
  const recover = async (password: string, ...options: readonly string[]): Promise<void> => {
    const words = ['user', 'recover', names.username, ...options, '--data-dir', gateway.dataDir];
    const { link } = await runJson(base, words);
    await new Person(gateway.url).api.completeRecovery({ body: { token: tokenOf(link), password } });
  };
  await recover(`${NEXT} kept`);
  assert.equal((await atTheDoor(`${NEXT} kept`)).stage, 'second-factor');

  const words = ['user', 'recover', names.username, '--reset-factors', '--data-dir', gateway.dataDir];
  const { link } = await runJson(base, words);
  await assert.rejects(atTheDoor(`${NEXT} kept`), { code: 'LOGIN_REFUSED' }, 'the old password never stands alone');
  await assert.rejects(lina.api.getMe(), { code: 'UNAUTHENTICATED' });
  await new Person(gateway.url).api.completeRecovery({
    body: { token: tokenOf(link), password: `${NEXT} new` },
  });
  const { person: back, stage } = await atTheDoor(`${NEXT} new`);
  assert.equal(stage, 'enrolment', 'the demand for a factor stands');
  for (const code of [app.code(), recoveryCodes[0] ?? ''])
    await assert.rejects(back.api.prove({ body: { code } }), { status: 401 });
  const fresh = await back.enrolApp();
  assert.equal((await back.api.getMe()).login.factor, 'totp');
  const again = await atTheDoor(`${NEXT} new`);
  assert.equal(again.stage, 'second-factor');
  await assert.rejects(again.person.api.prove({ body: { code: app.code() } }), { code: 'FACTOR_REFUSED' });
  await again.person.api.prove({ body: { code: fresh.app.code() } });
  assert.equal((await again.person.api.getMe()).user.username, names.username);
  const { items } = await admin.api.listAudit({ query: { action: 'factor.reset' } });
  assert.deepEqual([items[0]?.object?.name, items[0]?.detail?.['count']], [names.username, 1]);
});

test('when nobody can sign in, a link from the gateway’s machine sets a password, once, and loudly', async () => {
  const { gateway, admin } = site;
  const { link, expiresAt } = await runJson(base, ['user', 'recover', ADMIN.username, '--data-dir', gateway.dataDir]);
  assert.ok(String(link).startsWith(`${gateway.url}/recover#`));
  assert.ok(Number(expiresAt) > Date.now());
  assert.deepEqual(await readdir(join(gateway.dataDir, 'control')), ['gateway.json'], 'no link stays behind');
  const visitor = new Person(gateway.url);
  const body = { token: tokenOf(link), password: NEXT };
  assert.equal((await visitor.api.checkRecovery({ body: { token: body.token } })).username, ADMIN.username);
  await assert.rejects(visitor.api.completeRecovery({ body: { ...body, password: 'short' } }), {
    code: 'PASSWORD_TOO_WEAK',
  });
  await visitor.api.completeRecovery({ body });
  assert.equal(visitor.cookie, '', 'a link signs nobody in');
  await assert.rejects(visitor.api.completeRecovery({ body }), { code: 'RECOVERY_TOKEN_REFUSED' });
  await assert.rejects(admin.api.getMe(), { code: 'UNAUTHENTICATED' });
  await assert.rejects(Person.signIn(gateway.url, ADMIN), { code: 'LOGIN_REFUSED' });
  const back = await Person.signIn(gateway.url, { username: ADMIN.username, password: NEXT });
  for (const action of ['recovery.issued', 'user.recovered', 'recovery.refused', 'login.break-glass']) {
    const { items } = await back.api.listAudit({ query: { action } });
    assert.ok(items.length > 0, action);
    assert.ok(gateway.log.includes(`"action":"${action}"`), `${action} is in the log`);
  }
  assert.ok(!gateway.log.includes(body.token));
  const { items } = await back.api.listAudit({ query: { action: 'recovery.issued' } });
  assert.match(String(items[0]?.detail?.['claimedBy']), /./u);

  const nobody = await runCommand(base, ['user', 'recover', 'nobody-here', '--data-dir', gateway.dataDir]);
  assert.equal(nobody.exitCode, 1);
  assert.match(nobody.stderr, /there is no person named "nobody-here" \(NOT_FOUND\)/u);
  await back.api.createUser({ body: { username: 'gone', displayName: '', role: 'user', password: NEXT } });
  const gone = (await back.api.listUsers()).items.find(({ username }) => username === 'gone');
  assert.ok(gone);
  await back.api.updateUser({ params: { id: gone.id }, body: { disabled: true, version: gone.version } });
  const refused = await runCommand(base, ['user', 'recover', 'gone', '--data-dir', gateway.dataDir]);
  assert.match(refused.stderr, /is disabled; add --enable/u);
  const enabled = await runJson(base, ['user', 'recover', 'gone', '--enable', '--data-dir', gateway.dataDir]);
  await visitor.api.completeRecovery({ body: { token: tokenOf(enabled['link']), password: `${NEXT} too` } });
  await Person.signIn(gateway.url, { username: 'gone', password: `${NEXT} too` });
});

test('a stopped gateway leaves nothing to ask, and says so', async () => {
  const dataDir = join(base, 'stopped');
  {
    await using gateway = await Gateway.start({ dataDir });
    assert.ok(existsSync(join(dataDir, 'bootstrap-link')));
    await Person.bootstrap(gateway, ADMIN);
    assert.ok(!existsSync(join(dataDir, 'bootstrap-link')));
  }
  const { exitCode, stderr } = await runCommand(base, ['user', 'recover', ADMIN.username, '--data-dir', dataDir]);
  assert.equal(exitCode, 4);
  assert.match(stderr, /no gateway runs on .*; start it/u);
});
