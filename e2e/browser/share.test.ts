import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { picturesIn } from './pictures.ts';
import { openMachine, seatOf, SessionPage } from './seat.ts';

const picture = picturesIn('share');

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

test('the owner invites somebody, sees them look on, and sends them away; in German on a phone too', async () => {
  const targetId = await site.machineOn(sshd, { name: 'shown.example' });
  const ola = await site.person('ola-the-owner');
  const gil = await site.person('gil-the-guest');
  await site.grant(ola, targetId, ['connect', 'share']);
  await using hers = await seatOf(browser, ola);
  const session = await (await openMachine(hers, targetId)).ready();
  await session.run('true', 'mine');
  await session.page.getByRole('button', { name: 'Invite to look on' }).click();
  const drawer = session.page.getByRole('dialog', { name: 'Invite to look on' });
  await drawer.getByText('Nobody is.').waitFor();
  await drawer.getByRole('textbox', { name: 'User name' }).fill('gil-the-guest');
  await drawer.getByRole('button', { name: 'Invite', exact: true }).click();
  const withdraw = drawer.getByRole('button', { name: 'Withdraw the invitation of gil-the-guest' });
  await withdraw.waitFor();
  const link = await drawer.getByRole('textbox', { name: 'Address for whom you invited' }).inputValue();
  await picture(session.page, 'drawer');

  await using his = await seatOf(browser, gil);
  const live = await his.at('/live');
  const row = live.getByRole('row').filter({ hasText: 'shown.example' });
  const watching = new SessionPage(await his.tabFrom(() => row.getByRole('button', { name: 'Watch' }).click()));
  await watching.connected();
  assert.equal(watching.page.url(), link);
  await watching.shows('mine-42');
  await watching.page.getByText('View only', { exact: true }).waitFor();
  assert.equal(await watching.page.getByRole('button', { name: 'Invite to look on' }).count(), 0);
  await session.page.getByRole('status').filter({ hasText: '1 watching' }).waitFor();
  await picture(watching.page, 'guest');
  await withdraw.click();
  await watching.end.waitFor();
  await picture(watching.page, 'sent away');
  await drawer.getByText('Nobody is.').waitFor();
  await session.page.getByRole('status').filter({ hasText: '1 watching' }).waitFor({ state: 'detached' });
  assert.deepEqual(hers.complaints(), []);

  await using german = await seatOf(browser, ola, { size: PHONE, locale: 'de-DE' });
  const phone = await german.at(`/s/${session.sessionId}`);
  await phone.getByRole('button', { name: 'Zum Zusehen einladen' }).click();
  const sheet = phone.getByRole('dialog', { name: 'Zum Zusehen einladen' });
  await sheet.getByRole('textbox', { name: 'Benutzername' }).fill('gil-the-guest');
  await sheet.getByRole('button', { name: 'Einladen', exact: true }).click();
  await sheet.getByRole('button', { name: 'Einladung von gil-the-guest zurückziehen' }).waitFor();
  await picture(phone, 'drawer-de');
  assert.deepEqual(german.complaints(), []);
});

test('who may connect alone is offered no sharing', async () => {
  const targetId = await site.machineOn(sshd, { name: 'private.example' });
  await using own = await seatOf(browser, site.admin);
  const session = await (await openMachine(own, targetId)).ready();
  assert.equal(await session.page.getByRole('button', { name: 'Invite to look on' }).count(), 0);
});
