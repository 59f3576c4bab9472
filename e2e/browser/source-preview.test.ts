// "These appear, these go", of an organisation that no single answer holds.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Organisation } from './organisation.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const ACCOUNTS = 42;
const EACH = 150;
const LATENCY_MS = 1_500;
const picture = picturesIn('source-preview');

let organisation: Organisation;

before(async () => {
  organisation = await Organisation.start({ accounts: ACCOUNTS, each: EACH });
});
after(() => organisation[Symbol.asyncDispose]());

test('a preview of more than 5,000 machines shows how far it is, counts all of them, and can be stopped', async () => {
  const { browser, cloud, lines, person } = organisation;
  assert.ok(ACCOUNTS * EACH > 5_000);
  cloud.latencyMs = LATENCY_MS;

  await using desk = await seatOf(browser, person, { scheme: 'light' });
  const page = await desk.at('/catalog/sources');
  await page.getByRole('button', { name: 'Edit organisation' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('button', { name: 'Preview' }).click();
  const bar = form.getByRole('progressbar', { name: /^\d+ of 42 accounts and regions were looked at$/u });
  await bar.waitFor();
  await bar.scrollIntoViewIfNeeded();
  await picture(page, 'progress-light');
  await form.getByRole('button', { name: 'Stop' }).click();
  await form.getByText(/^Stopped: \d+ of 42 accounts and regions were looked at/u).waitFor();
  await form.getByRole('button', { name: 'Preview' }).click();
  await form.getByText('6,300 appear, 0 change, 0 go, 0 stay').waitFor();
  await form.getByText('Counted over 42 accounts and regions.').waitFor();
  await form.getByText('100 are shown, those that go before all others; 6,200 more are counted.').waitFor();
  await form.getByRole('button', { name: 'Show 400 more' }).click();
  await form.getByText('500 are shown, those that go before all others; 5,800 more are counted.').waitFor();

  cloud.latencyMs = 0;
  await organisation.switchOn();
  organisation.lose(0, 3);

  await using dark = await seatOf(browser, person, { scheme: 'dark' });
  const inDark = await dark.at('/catalog/sources');
  await inDark.getByRole('button', { name: 'Edit organisation' }).click();
  const again = inDark.getByRole('dialog');
  await again.getByLabel('Accounts', { exact: true }).fill(lines.slice(0, -1).join('\n'));
  await again.getByRole('button', { name: 'Preview' }).click();
  await again.getByText('0 appear, 0 change, 153 go, 6,147 stay').waitFor();
  await again.getByRole('button', { name: 'Show 400 more' }).scrollIntoViewIfNeeded();
  await picture(inDark, 'going-dark');
  await again.getByRole('button', { name: 'Cancel' }).click();

  await inDark.getByRole('button', { name: 'Rules', exact: true }).click();
  const rules = inDark.getByRole('dialog');
  await rules.getByText('0 appear, 0 change, 0 go, 6,300 stay').waitFor();
  await picture(inDark, 'rules-dark');

  await using phone = await seatOf(browser, person, {
    size: { width: 390, height: 844 },
    touch: true,
    locale: 'de-DE',
  });
  const small = await phone.at('/catalog/sources');
  await small.getByRole('button', { name: 'Regeln', exact: true }).click();
  await small.getByText('0 erscheinen, 0 ändern sich, 0 gehen, 6.300 bleiben').waitFor();
  await small.getByRole('button', { name: '400 weitere zeigen' }).scrollIntoViewIfNeeded();
  await picture(small, 'phone-de');
});
