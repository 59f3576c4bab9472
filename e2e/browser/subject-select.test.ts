import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import type { Page } from 'playwright-core';
import { Chromium } from '../fixtures/chromium.ts';
import { ADMIN, Site } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const picture = picturesIn('subject-select');
const PEOPLE = 10_000;
const GROUPS = 300;
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
  await page.getByRole('button', { name: 'Person 7' }).click();
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
