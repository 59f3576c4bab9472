import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from '@enchilada/core/testing/until';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';

const IMAGES = join(import.meta.dirname, '..', '..', 'docs', 'images');
const PASSWORD = 'seven calm otters on a raft';
const PICTURES_WANTED = process.env['TEST_SCREENSHOTS'] === '1';

const owned = new AsyncDisposableStack();
let gateway: Gateway;
let browser: Chromium;

before(async () => {
  gateway = owned.use(await Gateway.start({ config: 'egress: { allowLoopback: true }\n' }));
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

/** For the documentation, and only on request: pictures differ from run to run. */
async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES_WANTED) return;
  await mkdir(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`) });
}

/** Waits until the terminal shows the words, wherever the screen breaks them. */
async function shows(page: Page, words: string): Promise<void> {
  await page.locator('.xterm-rows', { hasText: words }).waitFor();
}

async function type(page: Page, command: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Terminal input' }).focus();
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
}

test('a newcomer gets from the one-time link to a verified recording', async () => {
  await using own = await browser.window({ scheme: 'dark' });
  const home = await own.tab(gateway.bootstrapUrl);

  await home.getByRole('heading', { level: 1, name: 'Welcome to Enchilada' }).waitFor();
  assert.equal(new URL(home.url()).hash, '', 'the token stays in the address');
  await home.getByLabel('User name').fill('ada');
  await home.getByLabel('Full name').fill('Ada Example');
  await home.getByRole('textbox', { name: 'Password', exact: true }).fill(PASSWORD);
  await home.getByRole('textbox', { name: 'Password again' }).fill(PASSWORD);
  await home.getByRole('button', { name: 'Create administrator' }).click();

  await home.getByRole('heading', { level: 1, name: 'Good to see you, Ada Example' }).waitFor();
  const session = await own.tabFrom(() => home.getByRole('button', { name: 'Open a session' }).click());
  await session.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  await session.waitForURL((url) => /^\/s\/(?!new)./u.test(url.pathname));
  await session.getByRole('button', { name: 'Got it' }).click();
  await type(session, 'echo first-$((6*7))-session');
  await shows(session, 'first-42-session');

  await session.reload();
  await session.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  await shows(session, 'first-42-session');
  await type(session, 'echo resumed-$((7*7))-screen; ls -l /usr');
  await shows(session, 'resumed-49-screen');
  await shows(session, 'sbin');
  await picture(session, 'session');

  await session.getByRole('button', { name: 'More' }).click();
  await session.getByRole('menuitem', { name: 'End session' }).click();
  await session.getByRole('alert').getByRole('heading', { name: 'You ended the session' }).waitFor();

  await home.bringToFront();
  await home.goto(gateway.url);
  // The last of a recording is sealed behind the word of the end.
  await until(() =>
    home.evaluate(async () => {
      const answer = await fetch('/api/v1/recordings');
      const { items } = (await answer.json()) as { readonly items: readonly { readonly state: string }[] };
      return items.length > 0 && items.every(({ state }) => state === 'complete');
    }),
  );
  await home
    .getByRole('link', { name: /^Open / })
    .first()
    .waitFor();
  await home.setViewportSize(PHONE);
  await home.getByRole('button', { name: 'Menu' }).waitFor();
  await home.getByRole('button', { name: 'Menu' }).click();
  await home.getByRole('dialog').getByRole('link', { name: 'Recordings' }).click();
  await home.getByRole('heading', { level: 1, name: 'Recordings' }).waitFor();

  const player = await own.tabFrom(() => home.getByRole('button', { name: /^Play recording of / }).click());
  await player.getByRole('button', { name: /^Verified/ }).waitFor();
  const position = player.getByRole('slider', { name: 'Position' });
  // It starts by itself.
  await shows(player, 'resumed-49-screen');
  await player.getByRole('button', { name: 'Play', exact: true }).waitFor();
  assert.equal(await position.getAttribute('aria-valuenow'), await position.getAttribute('aria-valuemax'));
  await picture(player, 'player');
  // Without WebGL each cell is put in its place by letter spacing, which is next to nothing where its font was measured.
  const spacings = await player
    .locator('.xterm-rows, .xterm-rows span')
    .evaluateAll((parts) =>
      parts.map((part) => Math.abs(Number.parseFloat((part as HTMLElement).style.letterSpacing || '0'))),
    );
  assert.ok(Math.max(...spacings) < 1, `letters stand up to ${Math.max(...spacings)} px off their place`);
  await player.getByRole('button', { name: /^Verified/ }).click();
  await player.getByText('Complete and unaltered').waitFor();

  // The first question of a browser without a login is who it is.
  const unexpected = own.complaints().filter((words) => words !== '401 GET /api/v1/me');
  assert.deepEqual(unexpected, []);
});
