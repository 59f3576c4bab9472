// Removals that are many wait for a person, who sees by name what goes and agrees with one button.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '@enchilada/core/testing/until';
import { Organisation } from './organisation.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const ALL = 160;
const GONE = 120;
const picture = picturesIn('held-removals');

let organisation: Organisation;

before(async () => {
  organisation = await Organisation.start({ accounts: 1, each: ALL });
});
after(() => organisation[Symbol.asyncDispose]());

test('names every machine that would go, page by page, and lets them go at one button', async () => {
  const { browser, person, sourceId } = organisation;
  await organisation.switchOn();
  organisation.lose(0, GONE);
  assert.equal((await person.api.sweepSource({ params: { id: sourceId } })).held, 1);
  assert.equal(await organisation.machines(), ALL);

  await using desk = await seatOf(browser, person, { scheme: 'light' });
  const page = await desk.at('/catalog/sources');
  await page.getByRole('button', { name: 'Look at them' }).click();
  const drawer = page.getByRole('dialog');
  const last = drawer.getByText('payments-production-1-120', { exact: true });
  await drawer.getByText('payments-production-1-1', { exact: true }).waitFor();
  assert.equal(await last.count(), 0);
  await picture(page, 'light');
  await drawer.getByRole('button', { name: 'More' }).click();
  await last.waitFor();
  await using dark = await seatOf(browser, person, { scheme: 'dark' });
  const inDark = await dark.at('/catalog/sources');
  await inDark.getByRole('button', { name: 'Look at them' }).click();
  await inDark.getByText('payments-production-1-1', { exact: true }).waitFor();
  await picture(inDark, 'dark');
  await drawer.getByRole('button', { name: `Agree: remove these ${GONE}` }).click();
  await until(async () => (await organisation.machines()) === ALL - GONE);
  await last.waitFor({ state: 'detached' });
});
