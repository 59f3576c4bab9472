import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { openMachine, seatOf } from './seat.ts';

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

  await session.echoBytes();
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
  // What is typed next goes another way, and must not come before it.
  await until(async () => (await session.screen()).endsWith('$'), 'the prompt of the shell');
  await session.run('true', 'shell-again');

  await session.page.locator('.bar').hover({ position: { x: 200, y: 31 } });
  await button.click();
  await session.page.locator('.bar[data-fullscreen="false"]').waitFor();
  await opensTab();
  await session.run('true', 'same-session');
  assert.deepEqual(window.complaints(), []);
});

/** Has the page tell what it asks of the Keyboard Lock API, which does it all the same. */
function tellKeyboardLock(): void {
  const { keyboard } = navigator as unknown as {
    keyboard?: Record<'lock' | 'unlock', (codes?: readonly string[]) => Promise<void> | undefined>;
  };
  if (keyboard === undefined) return;
  const asked: string[] = [];
  Object.assign(globalThis, { keyboardAsked: asked });
  for (const name of ['lock', 'unlock'] as const) {
    const real = keyboard[name].bind(keyboard);
    keyboard[name] = (...codes) => {
      asked.push(`${name}(${codes.flat().join()})`);
      return real(...codes);
    };
  }
}

for (const [protocol, start, username] of [
  ['rdp', () => startXrdp({ geometry: '900x600' }), 'otter'],
  ['vnc', () => startXvnc({ geometry: '900x600' }), ''],
] as const) {
  test(`in full screen a desktop gets all keys, and the browser has them back behind it (${protocol})`, async () => {
    await using server = await start();
    const { host, port, password: secret } = server;
    const { id: credentialId } = await site.admin.api.createCredential({
      body: { name: protocol, kind: 'password', username, secret },
    });
    const parameters = { resizeDesktop: false };
    const id = await site.machine({ name: protocol, protocol, host, port, credentialId, parameters });
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-full-screen-'));
    try {
      await using window = await seatOf(browser, site.admin, { size: 'window' });
      await window.context.addInitScript(tellKeyboardLock);
      const file = join(folder, 'events');
      // A key whose release is late on its way would be repeated.
      await server.run('xset', 'r', 'off');
      server.start('sh', '-c', `exec xev -geometry 900x600+0+0 -event keyboard > ${file}`);
      const live = await new DesktopPage(await window.at(`/s/new?target=${id}`)).connected();
      await live.shows('#ffffff', { x: 700, y: 500 });
      const canvas = live.page.locator('.desktop-host canvas');
      const press = async (key: string): Promise<void> => void (await screen.run('xdotool', 'key', key));
      const asked = (): Promise<readonly string[]> =>
        live.page.evaluate(() => Reflect.get(globalThis, 'keyboardAsked') as readonly string[]);
      const heard = async (): Promise<readonly string[]> => {
        const text = await readFile(file, 'utf8').catch(() => '');
        return [...text.matchAll(/(KeyPress|KeyRelease) event[\s\S]*?keysym 0x[0-9a-f]+, (\w+)\)/gu)].map(
          ([, kind, key]) => `${kind === 'KeyPress' ? '+' : '-'}${key ?? ''}`,
        );
      };
      const opensTab = async (): Promise<void> => {
        await canvas.click();
        const tab = await window.tabFrom(() => press('ctrl+t'));
        await tab.close();
        await live.page.bringToFront();
      };
      await opensTab();

      await live.page.getByRole('button', { name: 'Full screen' }).click();
      await live.page.locator('.bar[data-fullscreen="true"]').waitFor();
      await until(async () => (await asked()).join() === 'lock()', 'all keys asked for');
      await canvas.click();
      // The new tab got the release of its key; what a test drives believes itself in front, and let go of nothing.
      const releases = async (): Promise<number> => (await heard()).filter((key) => key === '-Control_L').length;
      const before = await releases();
      await press('Control_L');
      await until(async () => (await releases()) > before, 'no key held');
      // xdotool lets go in the order in which it pressed.
      for (const [key, wanted] of [
        ['ctrl+w', '+Control_L +w -Control_L -w'],
        ['ctrl+t', '+Control_L +t -Control_L -t'],
        ['alt+Tab', '+Alt_L +Tab -Alt_L -Tab'],
        ['super', '+Super_L -Super_L'],
        ['Escape', '+Escape -Escape'],
      ] as const) {
        const before = (await heard()).length;
        await press(key);
        let news = '';
        await until(
          async () => (news = (await heard()).slice(before).join(' ')) === wanted,
          () => `${key}, not ${news}`,
        );
      }
      assert.equal(window.context.pages().length, 1, 'a key of the browser did what it does there');
      assert.equal(await live.page.evaluate(() => document.fullscreenElement !== null), true);

      // The browser's own way out.
      await screen.run('xdotool', 'keydown', 'Escape');
      await live.page.locator('.bar[data-fullscreen="false"]').waitFor();
      await screen.run('xdotool', 'keyup', 'Escape');
      assert.deepEqual(await asked(), ['lock()', 'unlock()']);
      await opensTab();
      assert.deepEqual(window.complaints(), []);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
