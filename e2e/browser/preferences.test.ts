import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { openMachine, seatOf } from './seat.ts';

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

const schemeOf = (page: Page): Promise<string | null> =>
  page.evaluate(() => document.documentElement.getAttribute('data-mantine-color-scheme'));

test('language, theme and terminal follow the person to another browser', async () => {
  const targetId = await site.machineOn(sshd, { name: 'followed-machine' });
  await using office = await seatOf(browser, site.admin);
  const me = await office.at('/me');
  await me.getByRole('combobox', { name: 'Language' }).click();
  await me.getByRole('option', { name: 'Deutsch' }).click();
  await me.getByRole('heading', { level: 2, name: 'Sprache und Farbschema' }).waitFor();
  const themed = me.waitForResponse(
    (response) =>
      response.url().endsWith('/me/preferences') && response.request().postData()?.includes('dark') === true,
  );
  await me.getByText('Dunkel', { exact: true }).click();
  await themed;
  const session = await openMachine(office, targetId);
  await session.page.getByRole('status').filter({ hasText: 'Verbunden' }).waitFor();
  await session.page.getByRole('button', { name: 'Anzeige' }).click();
  const dialog = session.page.getByRole('dialog', { name: 'Anzeige' });
  const stored = session.page.waitForResponse(
    (response) => response.url().endsWith('/me/preferences') && response.request().postData()?.includes('20') === true,
  );
  await dialog.getByRole('textbox', { name: 'Schriftgröße' }).fill('20');
  await stored;

  // Another browser, which prefers English and light, and has never seen this person.
  await using home = await seatOf(browser, site.admin, { scheme: 'light', locale: 'en-GB' });
  const machines = await home.at('/');
  await machines.getByRole('navigation', { name: 'Hauptnavigation' }).waitFor();
  assert.equal(await machines.evaluate(() => document.documentElement.lang), 'de');
  await machines.waitForFunction(() => document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark');
  const again = await openMachine(home, targetId);
  await again.page.getByRole('status').filter({ hasText: 'Verbunden' }).waitFor();
  await again.page.waitForFunction(
    () => getComputedStyle(document.querySelector('.xterm-rows') ?? document.body).fontSize === '20px',
  );
  assert.equal(await schemeOf(again.page), 'dark');

  // A change here is not lost by one there: both are laid over what is stored.
  await machines.bringToFront();
  await machines.getByRole('button', { name: /root-of-all/u }).click();
  await machines.getByRole('menuitemradio', { name: 'Hell' }).waitFor();
  const changed = machines.waitForResponse((response) => response.url().endsWith('/me/preferences'));
  await machines.getByRole('menuitemradio', { name: 'Hell' }).click();
  await changed;
  const { preferences } = await site.admin.api.getMe();
  assert.equal(preferences['theme'], 'light');
  assert.equal(preferences['language'], 'de');
  assert.match(String(preferences['terminal']), /"fontSize":20/u);
  assert.deepEqual(home.complaints(), []);
});

test('an answer from before a change takes the change off neither the screen nor the next one', async () => {
  const targetId = await site.machineOn(sshd, { name: 'late-machine' });
  await site.admin.api.setPreferences({ body: { preferences: { language: 'en', terminal: '{"theme":"auto"}' } } });
  await using office = await seatOf(browser, site.admin);
  const { page } = await openMachine(office, targetId).then((opened) => opened.ready());
  await page.getByRole('button', { name: 'Display settings' }).click();
  const dialog = page.getByRole('dialog', { name: 'Display settings' });
  const background = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.querySelector('.terminal') ?? document.body).backgroundColor);
  const paper = 'rgb(251, 246, 234)';

  // The answer to what is stored has come back unchanged, and the change has not been stored yet.
  const underWay = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await page.route('**/api/v1/me/preferences', async (route) => {
    underWay.resolve();
    await release.promise;
    await route.continue();
  });
  await dialog.getByRole('combobox', { name: 'Terminal colours' }).click();
  await page.getByRole('option', { name: 'Paper' }).click();
  await underWay.promise;
  const stored = page.waitForResponse(
    (response) => response.url().endsWith('/me/preferences') && response.request().postData()?.includes('22') === true,
  );
  await dialog.getByRole('textbox', { name: 'Font size' }).fill('22');
  assert.equal(await background(), paper);
  release.resolve();
  await stored;
  assert.equal(await background(), paper);
  const { preferences } = await site.admin.api.getMe();
  assert.match(String(preferences['terminal']), /"theme":"paper","fontSize":22/u);
});
