import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Chromium, DESKTOP, PHONE } from '../fixtures/chromium.ts';
import type { Person } from '../product/index.ts';
import { Site, startSshd } from '../tests/site.ts';
import { picturesIn } from './pictures.ts';
import { openMachine, seatOf } from './seat.ts';

const picture = picturesIn('grants');

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let una: Person;
let targetId: string;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  targetId = await site.machineOn(sshd, { name: 'database-primary.example', labels: { env: 'prod' } });
  una = await site.person('una-on-call');
  await una.enrolApp();
});
after(() => owned.disposeAsync());

async function tooWide(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label }).click();
  await page.getByRole('option', { name: option }).click();
}

test('a grant with every condition is made by hand, says in words what it allows, and is explained', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/grants');
  await page.getByRole('button', { name: 'Add grant' }).first().click();
  const form = page.getByRole('dialog');
  await form.getByText('A person', { exact: true }).click();
  await choose(page, 'Who', 'una-on-call');
  await form.getByRole('textbox', { name: 'Labels' }).fill('env=prod');
  await form.getByLabel('From these networks').fill('127.0.0.0/8');
  await page.keyboard.press('Enter');
  await form.getByLabel('From these networks').fill('::1/128');
  await page.keyboard.press('Enter');
  for (const day of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])
    await form.getByRole('checkbox', { name: day }).check();
  await form.locator('input[type="time"]').first().fill('00:00');
  await form.locator('input[type="time"]').last().fill('00:00');
  await choose(page, 'Second factor of the login', 'Any second factor');
  await form.getByLabel('Not older than, in minutes').fill('60');
  await form.getByLabel('Longest session, in minutes').fill('45');
  await form.getByLabel('Sessions at once').fill('1');
  await form.getByRole('status').filter({ hasText: '1 person, 1 machine' }).waitFor();
  await picture(page, 'form');
  await form.getByRole('button', { name: 'Add grant' }).click();
  await form.waitFor({ state: 'detached' });
  const row = page.getByRole('row').filter({ hasText: 'una-on-call' });
  await row.getByText('with a second factor proved at most 60 minutes ago').waitFor();
  await row.getByText('sessions of 45 minutes at most').waitFor();
  await row.getByText('1 session at once').waitFor();
  await row.getByText('127.0.0.0/8').waitFor();
  await picture(page, 'list');

  await page.getByRole('button', { name: 'Check access' }).click();
  await choose(page, 'Machine', 'database-primary.example');
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('button', { name: 'una-on-call' }).waitFor();
  await picture(page, 'everybody');
  await drawer.getByRole('button', { name: 'una-on-call' }).click();
  await drawer.getByRole('status').filter({ hasText: 'una-on-call may: connect' }).waitFor();
  await drawer.getByText('Counts', { exact: true }).first().waitFor();
  await drawer.getByLabel('From the address').fill('192.0.2.1');
  await drawer.getByText('una-on-call may do nothing').waitFor();
  await drawer.getByText('other networks', { exact: true }).waitFor();
  await picture(page, 'why');
  assert.deepEqual(window.complaints(), []);
  // Before the history begins nobody knows, and the page says so instead of judging by what holds now.
  await drawer.getByLabel('At this time').fill('2020-01-01T00:00');
  await drawer.getByRole('alert').waitFor();
  await drawer.getByText('una-on-call may do nothing').waitFor({ state: 'detached' });
  await picture(page, 'before the history');
  assert.ok(window.complaints().every((words) => words.startsWith('422 GET')));
});

test('one session at once is one: the second is told why, and may open once the first has ended', async () => {
  await using window = await seatOf(browser, una);
  const first = await (await openMachine(window, targetId)).ready();
  await using second = await seatOf(browser, una);
  const refused = await openMachine(second, targetId);
  await refused.page.getByText('All sessions that your grant allows at once are taken').waitFor();
  await picture(refused.page, 'no seat');
  await una.api.endSession({ params: { id: first.sessionId }, body: {} });
  await first.end.waitFor();
  // Who looks is told first, and the place is free once the end is written.
  await until(async () => (await una.api.getSession({ params: { id: first.sessionId } })).state === 'ended');
  await (await openMachine(second, targetId)).ready();
  assert.equal(
    second.complaints().every((words) => words.startsWith('429 ')),
    true,
  );
});

test('a live session is warned before its access ends and ends with it, on the second', async () => {
  const bob = await site.person('bob-for-a-minute');
  const { user } = await bob.api.getMe();
  await using window = await seatOf(browser, bob);
  const end = Date.now() + 45_000;
  await site.admin.api.createGrant({
    body: {
      subject: { kind: 'user', id: user.id },
      scope: { kind: 'target', id: targetId },
      actions: ['connect'],
      conditions: { notAfter: end },
    },
  });
  const session = await (await openMachine(window, targetId)).ready();
  await session.page.getByText(/Your access to this machine ends at [\d:]+/u).waitFor();
  await picture(session.page, 'warning');
  await session.end.filter({ hasText: 'The time of your access is over' }).waitFor();
  await picture(session.page, 'over');
  const recordOf = () => site.admin.api.getSession({ params: { id: session.sessionId } });
  // Who looks is told first, and what is kept of it is written then.
  await until(async () => (await recordOf()).state === 'ended');
  const record = await recordOf();
  assert.equal(record.endReason, 'ACCESS_ENDED');
  const late = (record.endedAt ?? 0) - end;
  assert.ok(late >= 0, 'not before its time');
  process.stderr.write(`ended ${late} ms after the end of the access\n`);
});

for (const [size, scheme, locale, name] of [
  [DESKTOP, 'light', 'en-GB', 'desktop light'],
  [DESKTOP, 'dark', 'en-GB', 'desktop dark'],
  [PHONE, 'light', 'en-GB', 'phone light'],
  [PHONE, 'dark', 'de-DE', 'phone dark German'],
] as const) {
  test(`the grant form and the check of access fit: ${name}`, async () => {
    const english = locale === 'en-GB';
    await using window = await seatOf(browser, site.admin, { size, scheme, locale });
    const page = await window.at('/access/grants');
    await page
      .getByRole('button', { name: english ? 'Add grant' : 'Berechtigung hinzufügen' })
      .first()
      .click();
    const form = page.getByRole('dialog');
    await form.getByRole('checkbox', { name: english ? 'Mon' : 'Mo' }).check();
    assert.equal(await tooWide(page), 0);
    await picture(page, `form ${name}`);
    await form.locator('input[type="datetime-local"]').scrollIntoViewIfNeeded();
    await form.locator('input').last().scrollIntoViewIfNeeded();
    await picture(page, `form conditions ${name}`);
    await page.keyboard.press('Escape');
    await form.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: english ? 'Check access' : 'Zugang prüfen' }).click();
    await page.getByRole('combobox').first().click();
    await page.getByRole('option', { name: 'database-primary.example' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'una-on-call' }).click();
    await page.getByRole('dialog').getByRole('status').waitFor();
    await page.getByRole('dialog').getByRole('table').waitFor();
    assert.equal(await tooWide(page), 0);
    await picture(page, `why ${name}`);
    assert.deepEqual(window.complaints(), []);
  });
}
