import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { completeRecording } from '../cluster/people.ts';
import { Chromium, DESKTOP, PHONE, TABLET } from '../fixtures/chromium.ts';
import type { BrowserWindow } from '../fixtures/chromium.ts';
import type { Shell } from '../product/index.ts';
import type { Names } from '../product/person.ts';
import { ADMIN, Site, startSshd } from '../tests/site.ts';
import { flaws, type Rules } from './flaws.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

/** Each page with its heading. */
const PAGES = [
  ['/', 'Machines'],
  ['/first-run', /^Good to see you/u],
  ['/requests', 'Requests'],
  ['/live', 'Live sessions'],
  ['/recordings', 'Recordings'],
  ['/audit', 'Audit'],
  ['/device', 'Sign in a command line'],
  ['/me', ADMIN.username],
  ['/catalog/machines', 'Machines'],
  ['/catalog/groups', 'Machine groups'],
  ['/catalog/sources', 'Sources'],
  ['/catalog/credentials', 'Credentials'],
  ['/access/people', 'People'],
  ['/access/groups', 'Groups'],
  ['/access/grants', 'Grants'],
  ['/access/providers', 'Sign-in'],
  ['/notifications', 'Notifications'],
  ['/settings', 'Settings'],
] as const;
interface Look {
  readonly device: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly scheme: 'light' | 'dark';
}
const LANGUAGES = [
  {
    language: 'English',
    locale: 'en-GB',
    rules: 'all',
    looks: [
      { device: 'desktop', size: DESKTOP, scheme: 'light' },
      { device: 'desktop', size: DESKTOP, scheme: 'dark' },
      { device: 'tablet', size: TABLET, scheme: 'dark' },
      { device: 'phone', size: PHONE, scheme: 'dark' },
      { device: 'phone', size: PHONE, scheme: 'light' },
    ],
  },
  // Its words are longer; what axe finds is the same in every language.
  {
    language: 'German',
    locale: 'de-DE',
    rules: 'geometry',
    looks: [
      { device: 'small desktop', size: { width: 1280, height: 800 }, scheme: 'dark' },
      { device: 'tablet', size: TABLET, scheme: 'light' },
      { device: 'phone', size: PHONE, scheme: 'light' },
    ],
  },
] as const;
const picture = picturesIn('pages');
const AUDITOR = { username: 'otto-the-auditor', password: 'a password for reading only 4' };
const USER = { username: 'una-the-user', password: 'a password for one machine 5' };

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let live: Shell;
let targetId: string;
let desktopId: string;

before(async () => {
  sshd = owned.use(await startSshd());
  // These tests are about pages; how administrators sign in is second-factor.test.ts.
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  const { api } = site.admin;
  await api.createTargetGroup({ body: { name: 'a group of machines' } });
  await api.createGroup({ body: { name: 'a group of people', description: 'with words about it' } });
  targetId = await site.machineOn(sshd, {
    name: 'database-primary.example',
    labels: { env: 'prod', team: 'storage' },
  });
  await site.machineOn(sshd, { name: 'machine of the administrator' });
  for (const [names, role] of [
    [AUDITOR, 'auditor'],
    [USER, 'user'],
  ] as const) {
    await api.createUser({ body: { ...names, displayName: names.username, role } });
  }
  const una = (await api.listUsers()).items.find(({ username }) => username === USER.username);
  assert.ok(una);
  await api.createGrant({
    body: { subject: { kind: 'user', id: una.id }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
  const me = await api.getMe();
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: me.user.id },
      scope: { kind: 'target', id: targetId },
      actions: ['connect', 'file-in', 'file-out'],
    },
  });
  const desktop = owned.use(await startXvnc({ geometry: '800x600' }));
  await desktop.run('xsetroot', '-solid', '#203040');
  const credential = await api.createCredential({
    body: { name: 'of the desktop', kind: 'password', username: '', secret: desktop.password },
  });
  desktopId = await site.machine({
    ...{ name: 'desktop.example', protocol: 'vnc', host: desktop.host, port: desktop.port },
    credentialId: credential.id,
  });
  await api.createSource({
    body: {
      ...{ name: 'production accounts', kind: 'aws', enabled: false, protectedTags: [] },
      parameters: { accounts: ['111111111111=Payments'], regions: ['eu-west-1'] },
    },
  });
  await api.createToken({ body: { name: 'for the nightly report', scope: ['audit.read'], days: 30 } });
  const ended = await site.admin.open(targetId);
  await ended.live();
  ended.type('exit\r');
  await ended.ended();
  live = owned.use(await site.admin.open(targetId));
  await live.live();
});
after(() => owned.disposeAsync());

async function signIn(window: BrowserWindow, names: Names): Promise<Page> {
  const page = await window.tab(`${site.gateway.url.replace(/\/$/u, '')}/sign-in`);
  await page.getByLabel('User name').fill(names.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(names.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  return page;
}

async function settled(page: Page): Promise<void> {
  await page
    .getByRole('status', { name: /^(?:Loading|Lädt|Wird geladen)/u })
    .first()
    .waitFor({ state: 'hidden' });
}

for (const { language, locale, looks, rules } of LANGUAGES) {
  const english = language === 'English';
  test(`every page is accessible and fits desktop, tablet and phone, light and dark, in ${language}`, async () => {
    const watch = (page: Page): Watched => watched(page, { looks, locale, rules });
    await using window = await seatOf(browser, site.admin, { locale });
    const { page, wrong, look } = watch(await window.at('/me'));
    await using stranger = await browser.window({ locale });
    const door = watch(await stranger.tab(new URL('/sign-in', site.gateway.url).href));
    await door.page.getByRole('textbox').first().waitFor();
    await door.look('/sign-in');
    for (const [path, heading] of PAGES) {
      await page.goto(new URL(path, site.gateway.url).href);
      await page
        .getByRole('heading', { level: 1, ...(english ? { name: heading } : {}) })
        .first()
        .waitFor({ state: 'attached' });
      await settled(page);
      await look(path);
    }
    await page.goto(new URL(`/s/${live.sessionId}?watch=1`, site.gateway.url).href);
    await page.locator('.bar-fact[data-tone="ok"]').first().waitFor();
    await look('watching');
    await page.goto(new URL(`/s/new?target=${targetId}`, site.gateway.url).href);
    await page.locator('.bar-fact[data-tone="ok"]').first().waitFor();
    const listed = page.waitForResponse((response) => new URL(response.url()).pathname.endsWith('/files'));
    await page
      .locator('.bar-tools')
      .getByRole('button', { name: english ? 'Files' : 'Dateien' })
      .click();
    await page.getByRole('complementary').getByRole('navigation').waitFor();
    await listed;
    await look('files');
    await endSession(page);
    await page.goto(new URL(`/s/new?target=${desktopId}`, site.gateway.url).href);
    await page.locator('[data-drawn="true"]').waitFor();
    await look('desktop');
    await endSession(page);
    await page.goto(new URL(`/r/${await completeRecording(site.admin)}`, site.gateway.url).href);
    await page.getByRole('button', { name: english ? /^Verified/u : /^Geprüft/u }).waitFor();
    await look('player');
    assert.deepEqual([...wrong, ...door.wrong, ...window.complaints()], []);
  });
}

async function endSession(page: Page): Promise<void> {
  const id = new URL(page.url()).pathname.replace('/s/', '');
  await site.admin.api.endSession({ params: { id }, body: {} });
}

interface Watched {
  readonly page: Page;
  readonly wrong: readonly string[];
  /** Looks at what is there now, in every size and theme, as somebody who turns the device and the light. */
  readonly look: (what: string) => Promise<void>;
}

function watched(
  page: Page,
  { looks, locale, rules }: { readonly looks: readonly Look[]; readonly locale: string; readonly rules: Rules },
): Watched {
  const wrong: string[] = [];
  return {
    page,
    wrong,
    look: async (what) => {
      for (const { device, size, scheme } of looks) {
        const name = `${what.replaceAll('/', '-')} ${locale} ${scheme} ${device}`;
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme: scheme });
        await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
        await laidOut(page);
        await picture(page, name);
        wrong.push(...(await flaws(page, rules)).map((flaw) => `${name}: ${flaw}`));
      }
      await page.setViewportSize(DESKTOP);
    },
  };
}

/** Observers of sizes have had their turn. */
async function laidOut(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(undefined)))),
  );
}

async function offered(page: Page): Promise<readonly string[]> {
  const links = page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link');
  await links.first().waitFor();
  return links.allInnerTexts();
}

test('on a tablet the menu leads to every page of the administration', async () => {
  await using window = await seatOf(browser, site.admin, { size: TABLET });
  const page = await window.at('/');
  for (const place of ['Sources', 'Credentials', 'Grants', 'Settings', 'Live sessions']) {
    await page.getByRole('button', { name: 'Menu' }).click();
    const menu = page.getByRole('dialog');
    await menu.getByRole('link', { name: place }).click();
    await page.getByRole('heading', { level: 1, name: place }).waitFor();
    await menu.waitFor({ state: 'detached' });
  }
  assert.deepEqual(window.complaints(), []);
});

test('an auditor is offered recordings and audit, and nothing else', async () => {
  await using window = await browser.window();
  const page = await signIn(window, AUDITOR);
  assert.deepEqual(await offered(page), ['Recordings', 'Audit']);
  await page.goto(new URL('/recordings', site.gateway.url).href);
  await page.getByRole('button', { name: 'Play recording of database-primary.example' }).first().waitFor();
  await page.goto(new URL('/audit', site.gateway.url).href);
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  window.complaints();
  await page.goto(new URL('/access/people', site.gateway.url).href);
  await page.getByText('Your role does not include this').first().waitFor();
  assert.ok(window.complaints().some((words) => words.startsWith('403 GET')));
});

test('a user is offered the machines that grants name, and no administration', async () => {
  await using window = await browser.window();
  const page = await signIn(window, USER);
  assert.deepEqual(await offered(page), ['Machines', 'Requests', 'Live sessions', 'Recordings']);
  const machines = page.getByRole('table', { name: 'Machines' }).getByRole('link', { name: /^Open / });
  await machines.first().waitFor();
  assert.deepEqual(await machines.evaluateAll((links) => links.map((link) => link.getAttribute('aria-label'))), [
    'Open database-primary.example',
  ]);
  await page.goto(new URL('/recordings', site.gateway.url).href);
  await page.getByRole('heading', { level: 2, name: 'No recordings' }).waitFor();
  await page.goto(new URL('/settings', site.gateway.url).href);
  await page.getByText('Your role does not include this').first().waitFor();
});
