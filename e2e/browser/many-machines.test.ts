import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../cluster/people.ts';
import { Chromium } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { focusWithin, seatOf } from './seat.ts';

const MACHINES = 100_000;
const ROWS_IN_DOCUMENT = 80;
const PAGE_BYTES = 400_000;

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;

before(async () => {
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  const rows = Array.from({ length: MACHINES }, (_, n) => {
    const number = String(n).padStart(6, '0');
    return `host-${number},ssh,10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255},22,Fleet/Rack ${n % 40},env=${n % 3 === 0 ? 'prod' : 'test'}`;
  });
  const text = ['name,protocol,host,port,group,labels', ...rows].join('\n');
  const result = await site.admin.api.importTargets({ body: { format: 'csv', text, preview: false } });
  assert.equal(result.created, MACHINES);
  const me = await site.admin.api.getMe();
  await site.admin.api.createGrant({
    body: { subject: { kind: 'user', id: me.user.id }, scope: { kind: 'all' }, actions: ['connect'] },
  });
});
after(() => owned.disposeAsync());

/** A menu has the focus, to which keys go, a moment after it is drawn. */
async function leaveMenu(page: Page): Promise<void> {
  await eventually('the focus in the menu', () =>
    page.evaluate(() => document.activeElement?.closest('[role="menu"]') instanceof HTMLElement),
  );
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'detached' });
}

test('a hundred thousand machines are listed, searched and scrolled without being downloaded', async () => {
  await using window = await seatOf(browser, site.admin);
  const sizes: number[] = [];
  window.context.on('response', (response) => {
    if (!response.url().includes('/api/v1/machines')) return;
    void response.body().then(
      (body) => sizes.push(body.length),
      () => undefined,
    );
  });
  const page = await window.at('/');
  const table = page.getByRole('table', { name: 'Machines' });
  const first = table.getByRole('link').first();
  await page.getByRole('status').getByText('100,000 machines').waitFor();
  assert.equal(await first.getAttribute('aria-label'), 'Open host-000000');
  assert.ok((await table.getByRole('row').count()) < ROWS_IN_DOCUMENT, 'rows beyond the screen are in the document');
  assert.ok(
    sizes.every((bytes) => bytes < PAGE_BYTES),
    `answers of ${sizes.join(', ')} bytes`,
  );

  // A row's menu comes with its first use, and the keyboard finds back from it.
  const more = table.getByRole('button', { name: 'More for host-000000' });
  for (const _use of ['first', 'second']) {
    await more.press('Enter');
    await page.getByRole('menuitem', { name: 'Details' }).waitFor();
    await leaveMenu(page);
    await eventually('the focus on the button', () => more.evaluate((button) => button === document.activeElement));
  }

  // Typing narrows by what the gateway holds, not by what was downloaded.
  const search = page.getByRole('searchbox');
  await search.fill('host-099999');
  await page.getByRole('status').getByText('1 machine', { exact: true }).waitFor();
  assert.equal(await first.getAttribute('aria-label'), 'Open host-099999');
  await search.fill('env:prod rack 7 ');
  await page
    .getByRole('status')
    .getByText(/^[\d,]+ machines$/u)
    .waitFor();
  await search.fill('no such machine');
  await page.getByRole('heading', { name: /no such machine/u }).waitFor();
  await search.fill('');
  await page.getByRole('status').getByText('100,000 machines').waitFor();

  // Far down, page after page, and still few rows.
  const scroller = page.locator('.machine-scroller');
  for (const index of [190, 380, 570]) {
    const link = table.getByRole('link', { name: `Open host-${String(index).padStart(6, '0')}` });
    // One can scroll no further than has been loaded: as a person does, on and on.
    await eventually(`row ${index}`, async () => {
      await scroller.evaluate((element, row) => {
        element.scrollTop = row * 48;
      }, index);
      return await link.isVisible();
    });
    assert.ok((await table.getByRole('row').count()) < ROWS_IN_DOCUMENT);
  }
  assert.ok(sizes.reduce((sum, bytes) => sum + bytes, 0) < 12 * PAGE_BYTES, 'everything was downloaded');

  // A group of the tree narrows it, too.
  await page
    .getByRole('navigation', { name: 'Groups' })
    .getByRole('button', { name: /^Fleet/u })
    .click();
  await page.waitForURL(/in=/u);
  await page.getByRole('status').getByText('100,000 machines').waitFor();
  assert.deepEqual(window.complaints(), []);
});

test('the catalogue of a hundred thousand pages as well', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/catalog/machines');
  await page.getByRole('status').getByText('100,000 machines').waitFor();
  const table = page.getByRole('table', { name: 'Machines' });
  const search = page.getByRole('textbox', { name: /Search/u });
  assert.ok((await table.getByRole('row').count()) < ROWS_IN_DOCUMENT, 'rows beyond the screen are in the document');
  const scroller = page.locator('.machine-scroller');
  for (const index of [95, 190, 285]) {
    const button = table.getByRole('button', { name: `host-${String(index).padStart(6, '0')}`, exact: true });
    await eventually(`row ${index}`, async () => {
      await scroller.evaluate((element, row) => {
        element.scrollTop = row * 48;
      }, index);
      return await button.isVisible();
    });
    assert.ok((await table.getByRole('row').count()) < ROWS_IN_DOCUMENT);
  }
  // The keyboard goes from row to row beyond what was drawn, and finds back from a menu.
  await table.getByRole('button', { name: 'host-000285', exact: true }).focus();
  for (let row = 286; row < 286 + ROWS_IN_DOCUMENT / 2; row += 1) {
    const name = `host-${String(row).padStart(6, '0')}`;
    const next = table.getByRole('button', { name, exact: true });
    // Rows are drawn ahead of the keyboard, but with the next picture.
    await next.waitFor({ state: 'attached' });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await eventually(`the focus on ${name}`, () => next.evaluate((button) => button === document.activeElement));
  }
  await page.keyboard.press('Tab');
  for (const _use of ['first', 'second']) {
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Host keys' }).waitFor();
    await leaveMenu(page);
    await eventually('the focus on a button of the list', () =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label')?.startsWith('More for host-') === true),
    );
  }
  await search.fill('host-054321');
  await page.getByRole('status').getByText('1 machine', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'host-054321', exact: true }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Address' }).waitFor();
  assert.deepEqual(window.complaints(), []);
});

test('a jump host may be any of a hundred thousand, and a link opens any of them', async () => {
  const { items } = await site.admin.api.listTargets({ query: { text: 'host-077777', limit: 1 } });
  await using window = await seatOf(browser, site.admin);
  const link = `/catalog/machines?edit=${items[0]?.id ?? ''}`;
  const page = await window.at(link);
  const form = page.getByRole('dialog', { name: 'host-077777' });
  const jump = form.getByRole('combobox', { name: 'Through machine' });
  await focusWithin(form);
  await jump.fill('10.1.56.127');
  await page.getByRole('option', { name: 'host-079999', exact: true }).click();
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  await page.goto(new URL(link, page.url()).href);
  await eventually('the name of what was chosen', async () => (await jump.inputValue()) === 'host-079999');
  assert.deepEqual(window.complaints(), []);
});
