import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { picturesIn } from './pictures.ts';
import { seatOf, SessionPage } from './seat.ts';

const picture = picturesIn('view-only');

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

test('a grant to look is made by hand, opens a terminal that says so, and nothing typed arrives', async () => {
  const targetId = await site.machineOn(sshd, { name: 'looked-at.example' });
  const una = await site.person('una-who-looks');
  await using admin = await seatOf(browser, site.admin);
  const page = await admin.at('/access/grants');
  await page.getByRole('button', { name: 'Add grant' }).first().click();
  const form = page.getByRole('dialog');
  await form.getByText('A person', { exact: true }).click();
  await page.getByRole('combobox', { name: 'Who' }).click();
  await page.getByRole('option', { name: 'una-who-looks' }).click();
  await form.getByRole('checkbox', { name: 'connect' }).uncheck();
  await form.getByRole('checkbox', { name: 'open view only' }).check();
  await page.getByRole('combobox', { name: 'Which machines' }).click();
  await page.getByRole('option', { name: 'All machines' }).click();
  await form.getByRole('button', { name: 'Add grant' }).click();
  await form.waitFor({ state: 'detached' });
  await page.getByRole('row').filter({ hasText: 'una-who-looks' }).getByText('open view only').waitFor();

  await using hers = await seatOf(browser, una);
  const machines = await hers.at('/');
  const session = await new SessionPage(
    await hers.tabFrom(() => machines.getByRole('link', { name: 'Open looked-at.example' }).first().click()),
  ).ready();
  const badge = session.page.getByText('View only', { exact: true });
  await badge.hover();
  await session.page.getByRole('tooltip').filter({ hasText: 'Nothing you do here reaches the machine.' }).waitFor();
  assert.equal(await session.page.getByRole('button', { name: 'Send keys' }).count(), 0);
  await session.page.locator('.xterm-helper-textarea').focus();
  await session.page.keyboard.type('echo from-una\n');
  await session.page.reload();
  await session.ready();
  await badge.waitFor();
  assert.doesNotMatch(await session.screen(), /from-una/u);
  await picture(session.page, 'terminal');

  const live = await admin.at('/live');
  await live.getByRole('row').filter({ hasText: 'una-who-looks' }).getByText('View only').waitFor();
  await session.page.getByRole('button', { name: 'More' }).click();
  await session.page.getByRole('menuitem', { name: 'End session' }).click();
  await session.page.getByRole('heading', { name: 'You ended the session' }).waitFor();
  assert.equal((await una.api.getMachine({ params: { id: targetId } })).actions.includes('connect'), false);
  assert.deepEqual([...admin.complaints(), ...hers.complaints()], []);
});

test('who may act opens a desktop to look alone, in German on a phone: keys and pointer do not arrive', async () => {
  await using desktop = await startXvnc({ geometry: '900x600' });
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-looked-at-'));
  const file = join(folder, 'typed');
  try {
    const credential = await site.admin.api.createCredential({
      body: { name: 'desktop', kind: 'password', username: '', secret: desktop.password },
    });
    const { host, port } = desktop;
    const targetId = await site.machine({ name: 'turbine', protocol: 'vnc', host, port, credentialId: credential.id }, [
      'connect',
      'clipboard-in',
      'clipboard-out',
    ]);
    desktop.start('xterm', '-geometry', '140x45+0+0', '-e', `cat > ${file}`);
    await using german = await seatOf(browser, site.admin, { size: PHONE, locale: 'de-DE' });
    const machines = await german.at('/?q=turbine');
    await machines.getByRole('button', { name: 'Mehr zu turbine' }).click();
    const tab = await german.tabFrom(() => machines.getByRole('menuitem', { name: 'Nur ansehen' }).click());
    const status = tab.getByRole('status').filter({ hasText: 'Verbunden' });
    const looking = new DesktopPage(tab);
    await status.waitFor();
    await looking.shows('#ffffff', { x: 300, y: 300 });
    assert.equal(await looking.size(), '900x600', 'the window of who looks changes no size');
    await tab.locator('[data-fact=view-only]').waitFor();
    await picture(tab, 'desktop-de');
    assert.equal(await tab.getByRole('button', { name: 'Bildschirmtastatur' }).count(), 0);
    await tab.locator('.desktop-host canvas').click({ position: { x: 40, y: 40 } });
    await tab.keyboard.type('from who looks\n');

    await using own = await seatOf(browser, site.admin);
    const acting = await new DesktopPage(await own.at(`/s/new?target=${targetId}`)).connected();
    await acting.page.mouse.click(200, 200);
    await acting.page.keyboard.type('from who acts\n');
    const typed = (): Promise<string> => readFile(file, 'utf8').catch(() => '');
    await until(async () => (await typed()).includes('acts'), 'what was typed by who acts');
    assert.equal(await typed(), 'from who acts\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
