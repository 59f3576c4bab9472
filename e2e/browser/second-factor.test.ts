import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { AuthenticatorApp } from '../product/authenticator-app.ts';
import { Person } from '../product/index.ts';
import { ADMIN, Site } from '../tests/site.ts';
import { seatOf } from './seat.ts';

const USER = { username: 'vera', password: 'a password for the vault 9' };
/** Pictures are looked at by whoever changes a page: set to a folder to keep them. */
const PICTURES = process.env['SECOND_FACTOR_PICTURES'];

const owned = new AsyncDisposableStack();
let site: Site;
let sshd: Sshd;
let browser: Chromium;
let targetId: string;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  const { api } = site.admin;
  targetId = await site.machineOn(sshd, { name: 'vault' });
  const user = await api.createUser({ body: { ...USER, displayName: 'Vera', role: 'user' } });
  await api.createGrant({
    body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
});
after(() => owned.disposeAsync());

/** The authenticator of Chromium itself (WebAuthn section 11): the real ceremony, with a finger that is always there. */
async function holdAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  const folder = PICTURES === '' ? temporaryFolder('pictures') : PICTURES;
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

async function giveNames(page: Page, names: typeof USER): Promise<void> {
  await page.getByLabel('User name').fill(names.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(names.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** What a camera before the screen reads: of the pixels as they are painted, by a decoder that is not of the encoder's making. */
async function scanned(picture: Locator): Promise<string> {
  const png = (await picture.screenshot()).toString('base64');
  // Beside the product's page, whose policy lets no script make pictures.
  const desk = await picture.page().context().newPage();
  const { data, ...size } = await desk.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    return { width, height, data: [...(context?.getImageData(0, 0, width, height).data ?? [])] };
  }, png);
  await desk.close();
  return decodeQR({ ...size, data: Uint8ClampedArray.from(data) });
}

test('an administrator is led from the password to a passkey, and signs in with it alone the next time', async () => {
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/access/people`);
  await holdAuthenticator(page);
  await picture(page, 'sign-in');
  await giveNames(page, ADMIN);
  await page.getByRole('heading', { name: 'Confirm it is you' }).waitFor();
  await picture(page, 'enrol-choice');
  await page.getByRole('button', { name: /^Passkey/ }).click();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
  assert.equal(await page.getByRole('listitem').count(), 10);
  await picture(page, 'recovery-codes');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  // The deep link has survived.
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor();

  await page.getByTitle(`Account of ${ADMIN.username}`).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Use a passkey instead' }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  await page.goto(`${site.gateway.url}/me`);
  await page.getByRole('heading', { name: 'Second factors' }).waitFor();
  await page
    .getByRole('cell', { name: /^Passkey/ })
    .first()
    .waitFor();
  await picture(page, 'me');
  const unexpected = window.complaints().filter((words) => !/^401 GET \/api\/v1\/me$/u.test(words));
  assert.deepEqual(unexpected, []);
});

test('somebody adds an authenticator app by its key on a phone, signs in with its code, and gives it again for a machine that asks', async () => {
  await using window = await browser.window({ size: PHONE, scheme: 'dark' });
  const page = await window.tab(`${site.gateway.url}/me`);
  await giveNames(page, USER);
  const answered = page.waitForResponse((response) => response.url().endsWith('/me/factors/totp'));
  await page.getByRole('button', { name: 'Add an authenticator app' }).click();
  const code = page.getByRole('img', { name: 'Scan this with the app' });
  await code.waitFor();
  const secret = ((await page.locator('.totp-key').textContent()) ?? '').replaceAll(' ', '');
  const { uri } = (await (await answered).json()) as { readonly uri: string };
  assert.equal(new URL(uri).searchParams.get('secret'), secret);
  assert.equal(await scanned(code), uri, 'who scans it has what others type');
  await picture(page, 'totp-phone');
  const app = new AuthenticatorApp(secret);
  await page.getByLabel('Code that the app shows').fill(app.code());
  await page.getByRole('dialog').getByRole('button', { name: 'Add an authenticator app' }).click();
  const codes = page.getByRole('list', { name: 'Recovery codes' });
  await codes.waitFor();
  const recovery = (await codes.getByRole('listitem').first().textContent()) ?? '';
  await page.getByRole('button', { name: 'I have kept them' }).click();

  const target = await site.admin.api.getTarget({ params: { id: targetId } });
  const { id: _id, builtIn: _builtIn, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = target;
  await site.admin.api.updateTarget({ params: { id: targetId }, body: { ...rest, proofMinutes: 5 } });

  await page.context().clearCookies();
  await page.goto(`${site.gateway.url}/s/new?target=${targetId}`);
  await giveNames(page, USER);
  await page.getByLabel('Code of your authenticator app').fill(app.code());
  await picture(page, 'code-phone');
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();

  // A password alone is not enough for this machine, whatever the sign-in asks for.
  await site.admin.api.updateTarget({
    params: { id: targetId },
    body: { ...rest, proofMinutes: 1, version: rest.version + 1 },
  });
  await page.context().clearCookies();
  await page.goto(`${site.gateway.url}/s/new?target=${targetId}`);
  await giveNames(page, USER);
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill('aaaa-bbbb-cccc-dddd');
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'That did not match' }).waitFor();
  await page.getByLabel('Recovery code').fill(recovery);
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
});

test('a grant that asks for a passkey leads somebody who has an app alone to one, and into the machine', async () => {
  const { api } = site.admin;
  const machine = await site.machineOn(sshd, { name: 'safe' });
  const names = { username: 'walt', password: 'a password for the safe 12' };
  const user = await api.createUser({ body: { ...names, displayName: 'Walt', role: 'user' } });
  await api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: machine }, actions: ['connect'] },
      conditions: { secondFactor: { level: 'passkey', minutes: 5 } },
    },
  });
  const walt = await Person.signIn(site.gateway.url, names);
  await walt.enrolApp();
  await using window = await seatOf(browser, walt);
  const page = await window.at(`/s/new?target=${machine}`);
  await holdAuthenticator(page);
  await page.getByText('This machine is opened with a passkey, and you have none yet.').waitFor();
  await picture(page, 'grant-passkey-enrol');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();

  // An hour later the proof is too old, and a code of the app is not offered.
  const database = new DatabaseSync(join(site.gateway.dataDir, 'enchilada.db'));
  database.exec('PRAGMA busy_timeout = 5000');
  const aged = database.prepare('UPDATE login SET proved_at = proved_at - 3600000 WHERE user_id = ?').run(user.id);
  database.close();
  assert.ok(aged.changes > 0);
  await page.goto(`${site.gateway.url}/s/new?target=${machine}`);
  await page.getByText('This machine is opened with a fresh proof by a passkey.').waitFor();
  assert.equal(await page.getByRole('textbox').count(), 0);
  await picture(page, 'grant-passkey-proof');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
});
