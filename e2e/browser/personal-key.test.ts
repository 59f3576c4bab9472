import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { completeRecording } from '../cluster/people.ts';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { runCommand } from '../fixtures/command.ts';
import { Person } from '../product/index.ts';
import { Site, startSshd } from '../tests/site.ts';
import { filesOf, findCanaries } from '../tests/traces.ts';
import { picturesIn } from './pictures.ts';
import { seatOf, SessionPage } from './seat.ts';

const picture = picturesIn('personal-key');
const USER = { username: 'kira', password: 'a password with a key 7' };

/** How every Ed25519 key begins in PKCS #8, and in OpenSSH's own form. */
const HEADS = { 'a private key': 'MC4CAQAwBQYDK2VwBCIEI', 'one of OpenSSH': 'b3BlbnNzaC1rZXktdjEA' };

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let targetId: string;
let kira: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  const { api } = site.admin;
  const user = await api.createUser({ body: { ...USER, displayName: 'Kira', role: 'user' } });
  const credential = await api.createCredential({
    body: { name: 'own key', kind: 'personal-key', username: sshd.username },
  });
  targetId = await site.machine({ host: sshd.host, port: sshd.port, name: 'build-01', credentialId: credential.id });
  await api.createGrant({
    body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
  kira = await Person.signIn(site.gateway.url, USER);
});
after(() => owned.disposeAsync());

test('somebody makes a key, puts its public half on the machine, and works there with it, recorded', async () => {
  await using window = await seatOf(browser, kira);
  const lacking = new SessionPage(await window.at(`/s/new?target=${targetId}`));
  await lacking.end.filter({ hasText: 'You have no OpenSSH key of your own yet' }).waitFor();
  await picture(lacking.page, 'missing');
  await lacking.page.getByRole('link', { name: 'My OpenSSH keys' }).click();

  const page = lacking.page;
  await page.getByRole('button', { name: 'Make an OpenSSH key' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('laptop');
  await page.getByRole('dialog').getByRole('button', { name: 'Make an OpenSSH key' }).click();
  const line = page.getByLabel('Line for authorized_keys', { exact: true });
  await line.waitFor();
  await picture(page, 'made');
  const publicKey = await line.inputValue();
  assert.match(publicKey, /^ssh-ed25519 \S+ kira-laptop$/u);
  const [key] = (await kira.api.listPersonalKeys()).items;
  assert.deepEqual([key?.line, key?.lastUsedAt], [publicKey, undefined]);
  await page.getByText(key?.fingerprint ?? '-').waitFor();

  const refused = new SessionPage(await window.at(`/s/new?target=${targetId}`));
  await refused.end.filter({ hasText: 'The machine does not take your OpenSSH key' }).waitFor();
  await refused.end.filter({ hasText: `authorized_keys of ${sshd.username} on build-01` }).waitFor();
  await picture(refused.page, 'refused');

  await sshd.authorize(publicKey);
  const session = await new SessionPage(await window.at(`/s/new?target=${targetId}`)).ready();
  await session.page.keyboard.type('echo key-$((6*7)); exit\n');
  await session.end.waitFor();
  const recordingId = await completeRecording(site.admin);
  const recording = await site.admin.api.exportRecording({ params: { id: recordingId }, query: { format: 'text' } });
  assert.match(await recording.text(), /key-42/u);
  assert.ok((await kira.api.listPersonalKeys()).items[0]?.lastUsedAt !== undefined, 'its use is noted');
  assert.deepEqual(window.complaints(), []);
});

test('a newer key that the machine does not have yet does not keep the older one out', async () => {
  await using window = await seatOf(browser, kira);
  await kira.api.createPersonalKey({ body: { name: 'phone' } });
  const { items } = await kira.api.listPersonalKeys();
  assert.deepEqual(
    items.map(({ name }) => name),
    ['phone', 'laptop'],
  );
  const session = await new SessionPage(await window.at(`/s/new?target=${targetId}`)).ready();
  await session.page.keyboard.type('exit\n');
  await session.end.waitFor();
  assert.equal((await kira.api.listPersonalKeys()).items[0]?.lastUsedAt, undefined);
});

test('a key that is removed opens nothing any more, and the pages fit a phone', async () => {
  await using window = await seatOf(browser, kira, { size: PHONE });
  const page = await window.at('/me');
  await page.getByRole('button', { name: 'Remove laptop' }).click();
  await picture(page, 'removing');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('button', { name: 'Remove laptop' }).waitFor({ state: 'detached' });
  const shell = await kira.open(targetId);
  assert.equal((await shell.ended()).fault?.code, 'PERSONAL_KEY_REFUSED');
  const [made, removed] = await Promise.all(
    (['personal-key.created', 'personal-key.removed'] as const).map(
      async (action) => (await site.admin.api.listAudit({ query: { action } })).items.length,
    ),
  );
  assert.deepEqual([made, removed], [2, 1]);
  assert.deepEqual(window.complaints(), []);
});

test('no private half is in an answer, in the log, or in clear in the database', async () => {
  const answers = JSON.stringify(await kira.api.listPersonalKeys());
  assert.doesNotMatch(answers, /PRIVATE KEY/u);
  const places = [
    { name: 'log', bytes: Buffer.from(site.gateway.log) },
    { name: 'answers', bytes: Buffer.from(answers) },
    ...(await filesOf(site.gateway.dataDir)).filter(({ name }) => name.startsWith('enchilada')),
  ];
  assert.ok(places.length > 2);
  assert.deepEqual(findCanaries(places, HEADS), []);
});

test('the command line prints the lines for the machines', async () => {
  const { items } = await kira.api.listPersonalKeys();
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-keys-'));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${USER.password}\n`, { mode: 0o600 });
  const entered = await runCommand(folder, ['login', site.gateway.url, USER.username, '--password-file', passwordFile]);
  assert.equal(entered.exitCode, 0, entered.stderr);
  const { stdout } = await runCommand(folder, ['personal-keys', 'print']);
  assert.equal(stdout.trim(), items.map(({ line }) => line).join('\n'));
});
