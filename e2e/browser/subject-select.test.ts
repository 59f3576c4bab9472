import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { until } from '@enchilada/core/testing/until';
import type { Page } from 'playwright-core';
import { Chromium } from '../fixtures/chromium.ts';
import { ADMIN, Site } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const picture = picturesIn('subject-select');
const PEOPLE = 10_000;
const GROUPS = 300;
/** Of one of them. */
const MEMBERS = 250;
const ANSWER_BYTES = 20_000;

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;

before(async () => {
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  // Written beside the running gateway, as another node would.
  await using store = sqlite({ file: join(site.gateway.dataDir, 'enchilada.db') });
  const admin = await store.now.users.findByUsername(ADMIN.username);
  assert.ok(admin);
  await store.transaction(async (tx) => {
    for (let n = 0; n < PEOPLE; n += 1) {
      const name = `p${String(n).padStart(5, '0')}`;
      const displayName = n === 9_876 ? 'Zoë Last' : `Person ${n}`;
      const person = { id: `usr_${name}`, username: name, displayName, role: 'user' as const, version: 1 };
      await tx.users.insert({ ...admin, ...person, passwordHash: undefined });
    }
    for (let n = 0; n < GROUPS; n += 1)
      await tx.groups.insert({ id: `grp_${n}`, name: `group ${n}`, description: '', createdAt: 0 });
  });
  for (let n = 0; n < MEMBERS; n += 1) await store.now.groups.addMember('grp_150', `usr_p0${5_000 + n}`);
});
after(() => owned.disposeAsync());

function optionsOf(page: Page) {
  return page.getByRole('listbox').getByRole('option');
}

/** What a screen reader says when it changes. */
function heard(page: Page) {
  return page.getByRole('dialog').locator('[aria-live="polite"]');
}

test('one of ten thousand people is found with the keyboard alone, by a server that is asked for what is typed', async () => {
  await using window = await seatOf(browser, site.admin);
  const answers: { readonly path: string; readonly bytes: number }[] = [];
  window.context.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (!pathname.startsWith('/api/v1/')) return;
    void response.body().then(
      (body) => answers.push({ path: pathname, bytes: body.length }),
      () => undefined,
    );
  });
  const page = await window.at('/access/grants');
  await page.getByRole('button', { name: 'Add grant' }).first().click();
  const form = page.getByRole('dialog');
  await form.getByText('A person', { exact: true }).click();
  const who = form.getByRole('combobox', { name: 'Who' });
  await who.focus();
  await page.keyboard.press('ArrowDown');
  await heard(page).filter({ hasText: 'The first 50 of 10001' }).waitFor();
  await optionsOf(page).nth(49).waitFor();
  await page.keyboard.press('ArrowDown');
  assert.notEqual(await who.getAttribute('aria-activedescendant'), null, 'an option is active, and will go');
  await page.keyboard.type('zoë');
  await heard(page).filter({ hasText: '1 found' }).waitFor();
  assert.deepEqual(await optionsOf(page).allInnerTexts(), ['Zoë Last (p09876)']);
  await picture(page, 'typed');
  assert.deepEqual(await flaws(page, 'all'), []);
  await page.keyboard.press('ArrowDown');
  const active = await who.getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`#${active ?? 'none'}`).innerText(), 'Zoë Last (p09876)');
  await page.keyboard.press('Enter');
  assert.equal(await who.inputValue(), 'Zoë Last (p09876)');
  // Others are offered to whoever opens it again: the name that is chosen is no search.
  await page.keyboard.press('ArrowDown');
  await heard(page).filter({ hasText: 'The first 50 of 10001' }).waitFor();
  await page.keyboard.press('Escape');
  await form.getByRole('combobox', { name: 'Which machines' }).click();
  await page.getByRole('option', { name: 'All machines' }).click();
  await form.getByRole('button', { name: 'Add grant' }).click();
  await form.waitFor({ state: 'detached' });
  await page.getByRole('row').filter({ hasText: 'p09876' }).waitFor();
  assert.deepEqual(window.complaints(), []);
  const subjects = answers.filter(({ path }) => path.endsWith('/subjects'));
  assert.ok(subjects.length > 0);
  assert.deepEqual(
    subjects.filter(({ bytes }) => bytes > ANSWER_BYTES),
    [],
  );
  assert.ok(!answers.some(({ path }) => path.endsWith('/users')), 'everybody was downloaded');
});

test('groups that were chosen before are shown by name, also those that a list would not have reached', async () => {
  await site.admin.api.updateUser({
    params: { id: 'usr_p00007' },
    body: { groupIds: ['grp_99', 'grp_298'], version: 1 },
  });
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/people');
  await page.getByRole('textbox', { name: 'Search people' }).fill('p00007');
  await page.getByRole('button', { name: 'Person 7', exact: true }).click();
  const form = page.getByRole('dialog');
  await form.getByText('group 298', { exact: true }).waitFor();
  await form.getByText('group 99', { exact: true }).waitFor();
  await form.getByRole('combobox', { name: 'Groups' }).fill('group 17');
  await heard(page).filter({ hasText: '13 found' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await picture(page, 'chosen');
  await page.keyboard.press('Escape');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  const { groupIds } = await site.admin.api.getUser({ params: { id: 'usr_p00007' } });
  assert.deepEqual([...groupIds].sort(), ['grp_17', 'grp_298', 'grp_99']);
  assert.deepEqual(window.complaints(), []);
});

test('the list of ten thousand people is shown a page at a time, and searched by the gateway', async () => {
  await using window = await seatOf(browser, site.admin);
  const sizes: number[] = [];
  window.context.on('response', (response) => {
    if (new URL(response.url()).pathname !== '/api/v1/users') return;
    void response.body().then(
      (body) => sizes.push(body.length),
      () => undefined,
    );
  });
  const page = await window.at('/access/people');
  const rows = page.getByRole('table').locator('tbody tr');
  const status = page.getByRole('status');
  await status.filter({ hasText: 'The first 100 of 10001' }).waitFor();
  assert.equal(await rows.count(), 100);
  await page.getByRole('button', { name: 'Show more' }).click();
  await status.filter({ hasText: 'The first 200 of 10001' }).waitFor();
  assert.equal(await rows.count(), 200);
  await page.getByRole('textbox', { name: 'Search people' }).fill('last zoë');
  await rows.filter({ hasText: 'Zoë Last' }).waitFor();
  await status.filter({ hasText: '1 found' }).waitFor();
  assert.equal(await rows.count(), 1);
  await picture(page, 'people');
  await until(() => sizes.length >= 3);
  assert.ok(Math.max(...sizes) < 100_000, String(sizes));
  assert.deepEqual(window.complaints(), []);
});

test('a jump host is offered behind however many machines that can be none', async () => {
  const rows = Array.from({ length: 150 }, (_, n) => `a${String(n).padStart(3, '0')},vnc,10.0.0.${n},5900`);
  const text = ['name,protocol,host,port', ...rows, 'zeta,ssh,10.0.1.1,22'].join('\n');
  const imported = await site.admin.api.importTargets({ body: { format: 'csv', text, preview: false } });
  assert.equal(imported.created, 151);
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/catalog/machines');
  await page.getByRole('button', { name: 'Add machine' }).first().click();
  const jump = page.getByRole('dialog').getByRole('combobox', { name: 'Through machine' });
  await jump.click();
  await optionsOf(page).filter({ hasText: 'zeta' }).waitFor();
  assert.equal(await optionsOf(page).filter({ hasText: 'a0' }).count(), 0);
  assert.deepEqual(window.complaints(), []);
});

test('of the members of a large group a page is fetched at a time, and the others are found by the gateway', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/groups');
  await page.getByRole('button', { name: 'group 150', exact: true }).click();
  const drawer = page.getByRole('dialog', { name: 'group 150' });
  const rows = drawer.getByRole('table').locator('tbody tr');
  await drawer
    .getByRole('status')
    .filter({ hasText: `The first 100 of ${MEMBERS}` })
    .waitFor();
  assert.equal(await rows.count(), 100);
  // Who is in it is not offered again, also from a page that nobody has looked at.
  const add = drawer.getByRole('combobox', { name: 'Add a person' });
  await add.fill('p0524');
  await heard(page).filter({ hasText: '0 found' }).waitFor();
  await add.fill('p0525');
  await heard(page).filter({ hasText: '10 found' }).waitFor();
  await optionsOf(page).filter({ hasText: 'p05250' }).click();
  await drawer
    .getByRole('status')
    .filter({ hasText: `The first 100 of ${MEMBERS + 1}` })
    .waitFor();
  await drawer.getByRole('button', { name: 'Show more' }).click();
  await drawer
    .getByRole('status')
    .filter({ hasText: `The first 200 of ${MEMBERS + 1}` })
    .waitFor();
  assert.equal(await rows.count(), 200);
  await drawer.getByRole('textbox', { name: 'Search people' }).fill('p05249');
  await rows.filter({ hasText: 'p05249' }).waitFor();
  assert.equal(await rows.count(), 1);
  await drawer.getByRole('button', { name: 'Remove p05249' }).click();
  await drawer.getByText('Nobody matches the search.').waitFor();
  assert.deepEqual(window.complaints(), []);
});
