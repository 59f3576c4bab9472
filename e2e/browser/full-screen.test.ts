import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { ECHO_BYTES, openMachine, seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let screen: Xvnc;
let browser: Chromium;

// What a test sends over the debugging protocol never meets the browser's own shortcuts: these keys are pressed on a display.
before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  screen = owned.use(await startXvnc({ geometry: '1280x800' }));
  browser = owned.use(await Chromium.launch({ display: screen.display }));
});
after(() => owned.disposeAsync());

test('in full screen the keys that the browser keeps reach the machine, and before and after it the browser', async () => {
  const targetId = await site.machineOn(sshd, { name: 'full-screen-machine' });
  await using window = await seatOf(browser, site.admin, { size: 'window' });
  const session = await openMachine(window, targetId);
  await session.ready();
  await session.page.getByRole('button', { name: 'Got it' }).click();
  const press = async (key: string): Promise<void> => void (await screen.run('xdotool', 'key', key));
  const opensTab = async (): Promise<void> => {
    await session.input.focus();
    const tab = await window.tabFrom(() => press('ctrl+t'));
    await tab.close();
    await session.page.bringToFront();
  };
  await opensTab();

  await session.type(ECHO_BYTES);
  await session.shows('stty sane');
  const button = session.tools.getByRole('button', { name: 'Full screen' });
  await button.click();
  await session.page.locator('.bar[data-fullscreen="true"]').waitFor();
  await session.input.focus();
  for (const [key, bytes] of [
    ['ctrl+w', '<17>'],
    ['ctrl+t', '<14>'],
    ['ctrl+n', '<0e>'],
    ['ctrl+shift+Tab', '<1b><5b><5a>'],
    ['Escape', '<1b>'],
  ] as const) {
    await press(key);
    await session.shows(bytes);
  }
  assert.equal(window.context.pages().length, 1, 'a key of the browser did what it does there');
  assert.equal(await session.page.evaluate(() => document.fullscreenElement !== null), true, 'Escape left full screen');
  await press('period');
  await session.run('true', 'shell-again');

  await session.page.locator('.bar').hover({ position: { x: 200, y: 31 } });
  await button.click();
  await session.page.locator('.bar[data-fullscreen="false"]').waitFor();
  await opensTab();
  await session.run('true', 'same-session');
  assert.deepEqual(window.complaints(), []);
});
