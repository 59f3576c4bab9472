import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateKey } from '@enchilada/core/testing/servers/sshd';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium } from '../fixtures/chromium.ts';
import { Person } from '../product/index.ts';
import { Site, startSshd } from '../tests/site.ts';
import { focusWithin, openMachine, seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

test('a host key is asked for with its fingerprint, then remembered for everyone', async () => {
  const targetId = await site.machineOn(sshd, { name: 'new-machine', hostKeyPolicy: 'ask' });
  await using window = await seatOf(browser, site.admin);

  const refused = await openMachine(window, targetId);
  const question = refused.page.getByRole('dialog', { name: 'Is this new-machine?' });
  await question.getByText(sshd.hostKeys[0]?.fingerprint ?? 'no fingerprint').waitFor();
  await question.getByText('ssh-ed25519').waitFor();
  await focusWithin(question);
  // Enter alone accepts nothing.
  await refused.page.keyboard.press('Enter');
  await refused.end.getByRole('heading', { name: 'You did not accept the machine’s identity' }).waitFor();
  assert.deepEqual(sshd.attempts(), [], 'a credential was sent before the key was accepted');

  await refused.end.getByRole('link', { name: 'Open again' }).click();
  await question.getByRole('button', { name: 'Accept and connect' }).click();
  await refused.ready();
  await refused.run('true', 'accepted');

  const again = await openMachine(window, targetId);
  await again.ready();
});

test('a changed host key is refused before any credential is sent, and both sides are named', async () => {
  await using changing = await startSshd({ hostKeyTypes: ['ed25519'] });
  const targetId = await site.machineOn(changing, { name: 'rebuilt-machine' });
  await using window = await seatOf(browser, site.admin);
  const first = await openMachine(window, targetId);
  await first.ready();
  await first.page.close();
  await changing.changeHostKeys();
  const before = changing.attempts().length;

  const second = await openMachine(window, targetId);
  await second.end.getByRole('heading', { name: 'The machine shows another identity than before' }).waitFor();
  await second.end.getByText('Nothing was sent to it').waitFor();
  await second.end.getByText(changing.hostKeys[0]?.fingerprint ?? 'no fingerprint').waitFor();
  const failed = second.end.getByRole('listitem').filter({ hasText: 'failed' });
  assert.match(await failed.innerText(), /Check the machine’s identity/u);
  assert.equal(changing.attempts().length, before);
});

test('a credential of the kind "ask me" is asked for, and not again after a reload', async () => {
  const { id } = await site.admin.api.createCredential({ body: { name: 'asked', kind: 'ask', username: '' } });
  const targetId = await site.machine({
    host: sshd.host,
    port: sshd.port,
    name: 'asking-machine',
    credentialId: id,
  });
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  const dialog = session.page.getByRole('dialog', { name: 'Sign in to asking-machine' });
  await dialog.getByRole('textbox', { name: 'User name' }).fill(sshd.username);
  const password = dialog.getByRole('textbox', { name: 'Password' });
  assert.equal(await password.getAttribute('type'), 'password');
  await password.fill(sshd.password);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await session.ready();
  await focusWithin(session.input);

  await session.page.reload();
  await session.ready();
  assert.equal(await session.page.getByRole('dialog').count(), 0);
});

test('who signed in with a passkey is told why the machine’s password is asked for, in both languages', async () => {
  const passkey = await site.admin.enrolPasskey('root-of-all');
  const { id } = await site.admin.api.createCredential({
    body: { name: 'their own', kind: 'login-password', username: sshd.username },
  });
  const targetId = await site.machine({ host: sshd.host, port: sshd.port, name: 'own-password', credentialId: id });
  const keyed = new Person(site.gateway.url);
  const options = await keyed.api.startPasskeySignIn();
  await keyed.api.loginWithPasskey({ body: { passkey: passkey.assert(options, keyed.origin) } });

  await using window = await seatOf(browser, keyed);
  const session = await openMachine(window, targetId);
  const dialog = session.page.getByRole('dialog', { name: 'Sign in to own-password' });
  await dialog.getByText('You signed in with a passkey, so there is none to pass on.').waitFor();
  await dialog.getByText('ask an administrator for a stored credential').waitFor();
  await dialog.getByRole('textbox', { name: 'Password' }).fill(sshd.password);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await session.ready();

  await using german = await seatOf(browser, keyed, { locale: 'de-DE' });
  const again = await openMachine(german, targetId);
  const question = again.page.getByRole('dialog', { name: 'Bei own-password anmelden' });
  await question.getByText('Sie haben sich mit einem Passkey angemeldet').waitFor();
});

test('the target’s own second factor is shown as the target’s question', async () => {
  await using strict = await startSshd({
    config: ['AuthenticationMethods publickey,keyboard-interactive'],
    hostKeyTypes: ['ed25519'],
  });
  const key = await generateKey(['-t', 'ed25519']);
  await strict.authorize(key.publicKey);
  const { id } = await site.admin.api.createCredential({
    body: { name: 'first factor', kind: 'private-key', username: strict.username, privateKey: key.privateKey },
  });
  const targetId = await site.machine({
    host: strict.host,
    port: strict.port,
    name: 'two-factor-machine',
    credentialId: id,
  });
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  const dialog = session.page.getByRole('dialog', { name: 'two-factor-machine asks' });
  const answer = dialog.getByRole('textbox', { name: 'Password:' });
  assert.equal(await answer.getAttribute('type'), 'password');
  await focusWithin(answer);
  // A question survives a reload: it is asked again of the viewer that comes back.
  await session.page.waitForURL((url) => /^\/s\/(?!new)./u.test(url.pathname));
  await session.page.reload();
  await dialog.getByRole('textbox', { name: 'Password:' }).fill(strict.password);
  await session.page.keyboard.press('Enter');
  await session.ready();

  const wrong = await openMachine(window, targetId);
  await wrong.page.getByRole('dialog').getByRole('textbox').fill('not the answer');
  await wrong.page.keyboard.press('Enter');
  await wrong.end.getByRole('heading', { name: 'The machine refused the credential' }).waitFor();

  const cancelled = await openMachine(window, targetId);
  await cancelled.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).last().click();
  await cancelled.end.getByRole('heading', { name: 'A question of the machine was not answered' }).waitFor();
});
