import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { OpenIdServer } from '@enchilada/adapters/identity-provider/oidc/testing';
import type { Page } from 'playwright-core';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { runCommand, runJson } from '../fixtures/command.ts';
import { startDeviceLogin } from '../fixtures/device-login.ts';
import { Site } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { picturesIn } from './pictures.ts';

const picture = picturesIn('device-login', { fullPage: true });

const owned = new AsyncDisposableStack();
let base: string;
let site: Site;
let browser: Chromium;
let idp: OpenIdServer;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-device-'));
  owned.defer(() => rm(base, { recursive: true, force: true }));
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  idp = owned.use(await OpenIdServer.start());
  idp.people.set('paula', { name: 'Paula Provider', email: 'paula@example.org', groups: [] });
  const { returnTo = '', logoutTo = '' } = await site.admin.api.createProvider({
    body: {
      ...{ kind: 'oidc', name: 'Example Staff', secret: idp.clientSecret, rules: [], admits: 'everyone' },
      ...{ parameters: { issuer: idp.issuer, clientId: idp.clientId }, trustsFactor: false, enabled: true },
    },
  });
  idp.register({ returnTo, logoutTo, signedOut: `${site.gateway.url}/sign-in` });
});
after(() => owned.disposeAsync());

/** Whose sign-in here was approved before is not asked to approve it again. */
async function atProvider(page: Page, visit: 'first' | 'later' = 'first'): Promise<void> {
  await page.waitForURL((url) => url.origin === idp.issuer);
  await page.locator('input[name=login]').fill('paula');
  await page.locator('input[name=password]').fill('whatever');
  await page.getByRole('button').first().click();
  if (visit === 'first') await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL((url) => url.origin === site.gateway.url && url.pathname === '/device');
}

const asking = () => startDeviceLogin(base, site.gateway.url);

async function enter(page: Page, code: string, words: { readonly code: string; readonly go: string }): Promise<void> {
  await page.getByRole('textbox', { name: words.code }).fill(code.toLowerCase());
  await page.getByRole('button', { name: words.go }).click();
}

const ENGLISH = { code: 'Code', go: 'Continue' };

test('somebody of an identity provider signs the command line in, and out again on the page of their account', async () => {
  const { command, address, code } = await asking();
  using _ = command;
  await using window = await browser.window();
  const page = await window.tab(address);
  await page.getByRole('button', { name: 'Continue with Example Staff' }).click();
  await atProvider(page);
  await picture(page, 'code');
  window.complaints();
  await enter(page, code, ENGLISH);
  await page.getByRole('heading', { name: 'A program asks to be signed in as paula' }).waitFor();
  await page.getByText(`enchilada (${hostname()})`).waitFor();
  await page.getByText(code, { exact: true }).waitFor();
  await page.getByText('If somebody sent you the code').waitFor();
  assert.deepEqual(await flaws(page, 'all'), []);
  await picture(page, 'decision');
  await page.getByRole('button', { name: 'Sign it in' }).click();
  await page.getByRole('status').filter({ hasText: 'Approved' }).waitFor();
  await picture(page, 'approved');
  const { exitCode, stdout, stderr } = await command.ended;
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /Signed in to \S+ as paula/u);
  const { user, login } = await runJson(base, ['whoami']);
  assert.deepEqual(
    [(user as { username: string }).username, (login as { method: string }).method],
    ['paula', 'device'],
  );
  await page.goto(`${site.gateway.url}/me`);
  const row = page.getByRole('row').filter({ hasText: `enchilada (${hostname()})` });
  await row.scrollIntoViewIfNeeded();
  await picture(page, 'account');
  await row.getByRole('button', { name: 'Sign out' }).click();
  await row.waitFor({ state: 'detached' });
  assert.equal((await runCommand(base, ['whoami'])).exitCode, 3);
  assert.deepEqual(window.complaints(), []);
  const { items } = await site.admin.api.listAudit({ query: { limit: 50 } });
  for (const action of ['asked', 'approved', 'redeemed'])
    assert.ok(
      items.some((item) => item.action === `device-login.${action}`),
      action,
    );
});

test('a wrong code is said to be wrong, and a denial ends the command, on a telephone in the dark', async () => {
  const { command, address, code } = await asking();
  using _ = command;
  await using window = await browser.window({ size: PHONE, scheme: 'dark', locale: 'de-DE', touch: true });
  const page = await window.tab(address);
  await page.getByRole('button', { name: 'Weiter mit Example Staff' }).click();
  await atProvider(page);
  const words = { code: 'Code', go: 'Weiter' };
  await enter(page, 'BCDF-GHJK', words);
  await page.getByRole('alert').filter({ hasText: 'älter als zehn Minuten' }).waitFor();
  await picture(page, 'wrong-phone');
  await enter(page, code, words);
  await page.getByRole('heading', { name: 'Ein Programm möchte als paula angemeldet werden' }).waitFor();
  assert.deepEqual(await flaws(page, 'all'), []);
  await picture(page, 'decision-phone');
  await page.getByRole('button', { name: 'Ablehnen' }).click();
  await page.getByRole('status').filter({ hasText: 'Abgelehnt' }).waitFor();
  const { exitCode, stderr } = await command.ended;
  assert.equal(exitCode, 3);
  assert.match(stderr, /denied in the browser/u);
});

test('whose sign-in is long ago proves themselves anew at the provider before a program is signed in', async () => {
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/device`);
  await page.getByRole('button', { name: 'Continue with Example Staff' }).click();
  await atProvider(page);
  using database = new DatabaseSync(join(site.gateway.dataDir, 'enchilada.db'));
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec('UPDATE login SET proved_at = proved_at - 3600000');
  const { command, code } = await asking();
  using _ = command;
  await enter(page, code, ENGLISH);
  await page.getByRole('button', { name: 'Sign it in' }).click();
  const dialog = page.getByRole('dialog');
  await picture(page, 'step-up');
  await dialog.getByRole('link', { name: 'Sign in again' }).click();
  await page.getByRole('button', { name: 'Continue with Example Staff' }).click();
  await atProvider(page, 'later');
  await enter(page, code, ENGLISH);
  await page.getByRole('button', { name: 'Sign it in' }).click();
  await page.getByRole('status').filter({ hasText: 'Approved' }).waitFor();
  assert.equal((await command.ended).exitCode, 0);
});
