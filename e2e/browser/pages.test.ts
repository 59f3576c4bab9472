import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium, DESKTOP, PHONE } from '../fixtures/chromium.ts';
import type { BrowserWindow } from '../fixtures/chromium.ts';
import type { Shell } from '../product/index.ts';
import type { Names } from '../product/person.ts';
import { ADMIN, Site, startSshd } from '../tests/site.ts';

/** Each page with its heading. */
const PAGES = [
  ['/', 'Machines'],
  ['/first-run', /^Good to see you/u],
  ['/live', 'Live sessions'],
  ['/recordings', 'Recordings'],
  ['/audit', 'Audit'],
  ['/me', ADMIN.username],
  ['/catalog/machines', 'Machines'],
  ['/catalog/groups', 'Machine groups'],
  ['/catalog/credentials', 'Credentials'],
  ['/access/people', 'People'],
  ['/access/groups', 'Groups'],
  ['/access/grants', 'Grants'],
  ['/access/providers', 'Sign-in'],
  ['/settings', 'Settings'],
] as const;
const SIZES = [
  ['a desktop', DESKTOP],
  ['a phone', PHONE],
] as const;
const SCHEMES = ['light', 'dark'] as const;
const PICTURES = join(import.meta.dirname, '..', '.artifacts', 'pages');
const AUDITOR = { username: 'otto-the-auditor', password: 'a password for reading only 4' };
const USER = { username: 'una-the-user', password: 'a password for one machine 5' };
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let live: Shell;

before(async () => {
  sshd = owned.use(await startSshd());
  // These tests are about pages; how administrators sign in is second-factor.test.ts.
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  const { api } = site.admin;
  await api.createTargetGroup({ body: { name: 'a group of machines' } });
  await api.createGroup({ body: { name: 'a group of people', description: 'with words about it' } });
  const targetId = await site.machineOn(sshd, {
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

/** To be looked at, on request: every page in every form. */
async function picture(page: Page, name: string): Promise<void> {
  if (process.env['TEST_SCREENSHOTS'] !== '1') return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** What a page must be for everyone; answers what it is not. */
async function flaws(page: Page): Promise<readonly string[]> {
  const found: string[] = [];
  const headings = await page.getByRole('heading', { level: 1 }).count();
  if (headings !== 1) found.push(`${headings} headings of level 1`);
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (tooWide > 0) found.push(`${tooWide} pixels too wide`);
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    return (await axe.run(document, { resultTypes: ['violations'] })).violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      at: nodes.map(({ html }) => html.slice(0, 160)),
    }));
  });
  for (const { id, impact, at } of violations) {
    if (impact === 'serious' || impact === 'critical') found.push(`${impact}: ${id} at ${at.slice(0, 3).join(' ')}`);
  }
  return found;
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'hidden' });
}

for (const scheme of SCHEMES) {
  for (const [device, size] of SIZES) {
    test(`every page is accessible and fits ${device} in the ${scheme} theme`, async () => {
      await using window = await browser.window({ size, scheme });
      const door = await window.tab(`${site.gateway.url.replace(/\/$/u, '')}/sign-in`);
      await door.getByRole('button', { name: 'Sign in' }).waitFor();
      const wrong: Record<string, readonly string[]> = { '/sign-in': await flaws(door) };
      await door.close();
      const page = await signIn(window, ADMIN);
      window.complaints();
      for (const [path, heading] of PAGES) {
        await page.goto(new URL(path, site.gateway.url).href);
        await page.getByRole('heading', { level: 1, name: heading }).waitFor({ state: 'attached' });
        await settled(page);
        wrong[path] = [...(await flaws(page)), ...window.complaints()];
        await picture(page, `${path.replaceAll('/', '-')} ${scheme} ${device}`);
      }
      await page.goto(new URL(`/s/${live.sessionId}?watch=1`, site.gateway.url).href);
      await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
      await picture(page, `session ${scheme} ${device}`);
      wrong['/s'] = [...(await flaws(page)), ...window.complaints()];
      const { items } = await site.admin.api.listRecordings({ query: {} });
      const recording = items.find(({ state }) => state === 'complete');
      assert.ok(recording);
      await page.goto(new URL(`/r/${recording.id}`, site.gateway.url).href);
      await page.getByRole('button', { name: /^Verified/u }).waitFor();
      await picture(page, `player ${scheme} ${device}`);
      wrong['/r'] = [...(await flaws(page)), ...window.complaints()];
      assert.deepEqual(Object.fromEntries(Object.entries(wrong).filter(([, flaw]) => flaw.length > 0)), {});
    });
  }
}

async function offered(page: Page): Promise<readonly string[]> {
  const links = page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link');
  await links.first().waitFor();
  return links.allInnerTexts();
}

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
  assert.deepEqual(await offered(page), ['Machines', 'Live sessions', 'Recordings']);
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
