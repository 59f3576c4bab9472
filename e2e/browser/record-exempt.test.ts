import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { picturesIn } from './pictures.ts';
import { openMachine, seatOf, SessionPage } from './seat.ts';

const picture = picturesIn('record-exempt');

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;

before(async () => {
  const config = 'secondFactor: { required: nobody }\nrecording: { allowExempt: true }\n';
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config }));
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

test('who is not recorded is told so all the time, and so is whoever lists sessions or settings', async () => {
  const targetId = await site.machineOn(sshd, { name: 'quiet.example' });
  const una = await site.person('una-off-the-record');
  await site.grant(una, targetId, ['connect', 'record-exempt']);
  await using hers = await seatOf(browser, una);
  const session = await (await openMachine(hers, targetId)).ready();
  const badge = session.page.getByText('Not recorded', { exact: true });
  await badge.hover();
  await session.page.getByRole('tooltip').filter({ hasText: 'Nothing of this session is kept' }).waitFor();
  assert.equal(await session.page.getByText('Recorded', { exact: true }).count(), 0);
  await picture(session.page, 'session');

  await using german = await seatOf(browser, una, { size: PHONE, locale: 'de-DE' });
  const phone = await german.at(`/s/${session.sessionId}`);
  await phone.getByRole('status').filter({ hasText: 'Verbunden' }).waitFor();
  await phone.locator('[data-fact=unrecorded]').filter({ hasText: 'Nicht aufgezeichnet' }).waitFor();
  await picture(phone, 'session-de');

  await using admin = await seatOf(browser, site.admin);
  const live = await admin.at('/live');
  const row = live.getByRole('row').filter({ hasText: 'una-off-the-record' });
  await row.getByText('Not recorded').waitFor();
  await picture(live, 'live');
  const settings = await admin.at('/settings');
  await settings.getByText('recording.allowExempt: true').waitFor();

  const other = await site.machineOn(sshd, { name: 'loud.example' });
  const recorded = new SessionPage(await admin.at(`/s/new?target=${other}`));
  await recorded.ready();
  await recorded.page.getByText('Recorded', { exact: true }).waitFor();
  assert.equal(await recorded.page.locator('[data-fact=unrecorded]').count(), 0);
  assert.deepEqual([...hers.complaints(), ...german.complaints(), ...admin.complaints()], []);
});
