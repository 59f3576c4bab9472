import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Chromium, DESKTOP, PHONE } from '../fixtures/chromium.ts';
import { runJson } from '../fixtures/command.ts';
import { ADMIN, Site } from '../tests/site.ts';

const NEXT = 'three brown bears on the moon';
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const owned = new AsyncDisposableStack();
let base: string;
let site: Site;
let browser: Chromium;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-recover-'));
  owned.defer(() => rm(base, { recursive: true, force: true }));
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

async function newLink(): Promise<string> {
  const { link } = await runJson(base, ['user', 'recover', ADMIN.username, '--data-dir', site.gateway.dataDir]);
  return String(link);
}

test('whoever lost the password sets a new one with the link, and signs in', async () => {
  await using own = await browser.window({ scheme: 'dark' });
  const link = await newLink();
  const page = await own.tab(link);
  await page.getByText(`For the account ${ADMIN.username}.`).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token stays in the address');
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill('short');
  await page.getByText('At least 12 characters').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Set password' }).isEnabled(), false);
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(`${ADMIN.username} 1234567`);
  await page.getByRole('textbox', { name: 'Password again' }).fill(`${ADMIN.username} 1234567`);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('alert').getByText('This password is too easy to guess').waitFor();
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(NEXT);
  await page.getByRole('textbox', { name: 'Password again' }).fill(NEXT);
  await page.keyboard.press('Enter');
  await page.getByRole('status').getByText('The new password is set').waitFor();
  await page.getByRole('button', { name: 'To sign-in' }).click();
  await page.getByLabel('User name').fill(ADMIN.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(NEXT);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Machines' }).waitFor();
  const spent = await own.tab(link);
  await spent.getByRole('alert').getByText('This link was used before').waitFor();
  assert.deepEqual(
    own.complaints().filter((words) => words !== '401 GET /api/v1/me'),
    ['422 POST /api/v1/recovery', '403 POST /api/v1/recovery/check'],
  );
});

test('the page is accessible in light and dark, wide and narrow, with and without a link, in both languages', async () => {
  const link = await newLink();
  for (const scheme of ['light', 'dark'] as const)
    for (const size of [DESKTOP, PHONE]) {
      await using own = await browser.window({ scheme, size });
      const page = await own.tab(link);
      await page.getByRole('button', { name: 'Set password' }).waitFor();
      await page.evaluate(axeSource);
      const judge = (): Promise<readonly string[]> =>
        page.evaluate(async () => {
          const { axe } = globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
          };
          return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
        });
      assert.deepEqual(await judge(), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
      await page.getByRole('button', { name: 'Deutsch' }).click();
      await page.getByText(`Für das Konto ${ADMIN.username}.`).waitFor();
      assert.deepEqual(await judge(), []);
      await page.getByRole('button', { name: 'English' }).click();
      const bare = await own.tab(`${site.gateway.url}/recover`);
      await bare.getByLabel('One-time link or token').fill(link);
      await bare.getByRole('button', { name: 'Continue' }).click();
      await bare.getByText(`For the account ${ADMIN.username}.`).waitFor();
    }
});
