import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTelnetd } from '@enchilada/core/testing/servers/telnetd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import type { Locator, Page } from 'playwright-core';
import { Chromium, DESKTOP, PHONE, TABLET } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { inSight } from './bar-facts.ts';
import { flaws } from './flaws.ts';
import { picturesIn } from './pictures.ts';
import { openMachine, seatOf } from './seat.ts';

const NARROWEST = { width: 320, height: 640 };
const SWITCH = 'switch-in-the-cellar';
const ENCRYPTED = 'encrypted-machine';
const WORDS = {
  'en-GB': {
    badge: 'Unencrypted',
    short: 'Cleartext',
    help: /^The way to the machine has no encryption\./u,
    notice: /^This protocol has no encryption: .*\(egress\.allowCleartext\)\.$/u,
  },
  'de-DE': {
    badge: 'Unverschlüsselt',
    short: 'Klartext',
    help: /^Der Weg zur Maschine ist nicht verschlüsselt\./u,
    notice: /^Dieses Protokoll kennt keine Verschlüsselung: .*\(egress\.allowCleartext\)\.$/u,
  },
};
const WINDOWS = [
  { size: DESKTOP, scheme: 'light', locale: 'en-GB', touch: false },
  { size: DESKTOP, scheme: 'dark', locale: 'de-DE', touch: false },
  { size: TABLET, scheme: 'light', locale: 'de-DE', touch: true },
  { size: PHONE, scheme: 'light', locale: 'en-GB', touch: true },
  { size: PHONE, scheme: 'dark', locale: 'de-DE', touch: true },
  { size: NARROWEST, scheme: 'dark', locale: 'de-DE', touch: true },
] as const;

const picture = picturesIn('telnet');
const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let telnetId: string;
let desktopId: string;
let sshId: string;

before(async () => {
  const telnetd = owned.use(await startTelnetd());
  const sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  const desktop = owned.use(await startXvnc({ securityTypes: 'VncAuth', geometry: '900x600' }));
  site = owned.use(await Site.start({ environment: { ENCHILADA_EGRESS_ALLOW_CLEARTEXT: 'true' } }));
  browser = owned.use(await Chromium.launch());
  const credential = async (name: string, username: string, secret: string): Promise<string> =>
    (await site.admin.api.createCredential({ body: { name, kind: 'password', username, secret } })).id;
  telnetId = await site.machine(
    {
      ...{ name: SWITCH, protocol: 'telnet', host: telnetd.host, port: telnetd.port },
      credentialId: await credential('of the switch', telnetd.username, telnetd.password),
    },
    ['connect', 'watch'],
  );
  desktopId = await site.machine({
    ...{ name: 'old-desktop', protocol: 'vnc', host: desktop.host, port: desktop.port },
    parameters: { allowCleartext: true },
    credentialId: await credential('of the desktop', '', desktop.password),
  });
  sshId = await site.machineOn(sshd, { name: ENCRYPTED });
});
after(() => owned.disposeAsync());

/** Whole, inside the window, and not under anything. */
async function isSeen(words: Locator): Promise<void> {
  await words.waitFor();
  await words.scrollIntoViewIfNeeded();
  assert.deepEqual(
    await words.evaluate((element: HTMLElement) => {
      // What takes no clicks is looked through by elementFromPoint.
      element.style.pointerEvents = 'auto';
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const found = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      const isOnTop = element === found || element.contains(found);
      return { isOnTop, isInside: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight };
    }),
    { isOnTop: true, isInside: true },
  );
}

for (const { size, scheme, locale, touch } of WINDOWS) {
  const { badge, short, help, notice } = WORDS[locale];
  const isPhone = size.width < 640;
  const isNarrowest = size === NARROWEST;
  const where = `${size.width}-${scheme}-${locale}`;
  const options = { size, scheme, locale, touch };

  test(`a machine without encryption is marked where machines are listed, described and changed (${where})`, async () => {
    await using window = await seatOf(browser, site.admin, options);
    const home = await window.at('/');
    const row = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name });
    await isSeen(row(home, SWITCH).getByText(badge));
    await row(home, ENCRYPTED).waitFor();
    assert.equal(await row(home, ENCRYPTED).getByText(badge).count(), 0);
    await picture(home, `home-${where}`);
    assert.deepEqual(await flaws(home, 'all'), []);

    const catalog = await window.at('/catalog/machines');
    await isSeen(row(catalog, SWITCH).getByText(badge));
    assert.equal(await row(catalog, ENCRYPTED).getByText(badge).count(), 0);
    await picture(catalog, `catalog-${where}`);
    assert.deepEqual(await flaws(catalog, 'all'), []);
    await catalog.getByRole('button', { name: SWITCH, exact: true }).click();
    const told = catalog.getByRole('dialog').getByRole('alert');
    await isSeen(told.getByText(notice));
    await picture(catalog, `form-${where}`);
    assert.deepEqual(await flaws(catalog, 'all'), []);
    assert.deepEqual(window.complaints(), []);
  });

  test(`a session without encryption says so all the time, and what that means when asked (${where})`, async () => {
    await using window = await seatOf(browser, site.admin, options);
    for (const [kind, targetId] of Object.entries({ terminal: telnetId, desktop: desktopId })) {
      const { page } = await openMachine(window, targetId);
      const fact = page.locator('.bar-facts [data-fact=cleartext]');
      await fact.waitFor();
      await inSight(
        page,
        '.bar-facts',
        new RegExp(isNarrowest ? / Rec ?$/u : isPhone ? ` Rec ${short}$` : ` ${badge}$`, 'u'),
      );
      if (kind === 'terminal') await page.locator('.xterm-rows').filter({ hasText: '$' }).waitFor();
      await (touch ? fact.tap() : fact.hover());
      await isSeen(page.getByRole('tooltip').getByText(help));
      await picture(page, `session-${kind}-${where}`);
      assert.deepEqual(await flaws(page, isPhone || kind === 'desktop' ? 'geometry' : 'all'), []);
      await page.close();
    }
    assert.deepEqual(window.complaints(), []);
  });
}

test('in full screen it stays in sight, who looks on sees it too, and an encrypted session has none', async () => {
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, telnetId);
  await session.ready();
  const { page } = session;
  await page.getByRole('button', { name: 'Full screen' }).click();
  await page.locator('.bar[data-fullscreen="true"]').waitFor();
  await page.locator('.session-main').click();
  await inSight(page, '.bar-badge', /Recorded Unencrypted$/u);
  await picture(page, 'full-screen');

  await using small = await seatOf(browser, site.admin, { size: NARROWEST, locale: 'de-DE', touch: true });
  const watching = await small.at(`/s/${session.sessionId}?watch=1`);
  await watching.locator('.bar-facts [data-fact=cleartext]').waitFor();
  await watching.locator('.bar-facts [data-fact=view-only]').waitFor();
  await picture(watching, 'watching');
  await inSight(watching, '.bar-facts', / Rec /u);

  const encrypted = await openMachine(window, sshId);
  await encrypted.ready();
  await inSight(encrypted.page, '.bar-facts', /Recorded$/u);
  assert.equal(await encrypted.page.locator('[data-fact=cleartext]').count(), 0);
  assert.deepEqual([...window.complaints(), ...small.complaints()], []);
});
