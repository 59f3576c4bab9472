import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { Chromium } from '../fixtures/chromium.ts';
import { makeLongRecording } from '../fixtures/long-recording.ts';
import type { LongRecording } from '../fixtures/long-recording.ts';
import { Site } from '../tests/site.ts';
import { seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let recording: LongRecording;

before(async () => {
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  recording = await makeLongRecording(site, { hours: 2, mebibytes: 24 });
});
after(() => owned.disposeAsync());

/** The player as a person uses it. */
class PlayerPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get position() {
    return this.page.getByRole('slider', { name: 'Position' });
  }

  get rows() {
    return this.page.locator('.xterm-rows');
  }

  /** Clicks the time line at a share of its length. */
  async seek(share: number): Promise<number> {
    const box = await this.position.boundingBox();
    assert.ok(box);
    await this.page.mouse.click(box.x + box.width * share, box.y + box.height / 2);
    return Math.round(Number(await this.position.getAttribute('aria-valuenow')));
  }

  /** Waits until the screen shows the second that the position names, or the one before it. */
  async showsSecond(second: number): Promise<void> {
    await this.rows.filter({ hasText: new RegExp(`second (?:${second - 1}|${second}|${second + 1}) `, 'u') }).waitFor();
  }

  async indexed(): Promise<void> {
    await this.page.getByText('Loading', { exact: true }).waitFor({ state: 'detached' });
  }

  async pause(): Promise<void> {
    await this.page.getByRole('button', { name: 'Pause' }).click();
  }
}

async function openPlayer(window: Awaited<ReturnType<typeof seatOf>>): Promise<PlayerPage> {
  const player = new PlayerPage(await window.at(`/r/${recording.id}`));
  await player.page.getByRole('button', { name: 'Pause' }).waitFor();
  return player;
}

test('one seeks anywhere in two hours before the recording has been read', async () => {
  await using window = await seatOf(browser, site.admin);
  // The index gets nothing at all: what is shown comes from the moment's own chunks, and from few of them.
  let streams = 0;
  await window.context.route(/\/events\?fromChunk=/u, async (route) => {
    streams += 1;
    if (streams === 1) return;
    await route.continue();
  });
  const player = await openPlayer(window);
  assert.equal(await player.position.getAttribute('aria-valuemax'), '7200');
  await player.pause();
  for (const share of [0.9, 0.2, 0.999, 0.55]) await player.showsSecond(await player.seek(share));
  assert.deepEqual(window.complaints(), []);
});

test('a seek shows the full screen, its size and the text above it', async () => {
  await using window = await seatOf(browser, site.admin);
  const player = await openPlayer(window);
  await player.pause();
  await player.indexed();
  const rows = () => player.rows.locator('> div').count();
  await player.showsSecond(await player.seek(0.1));
  assert.equal(await rows(), 32);
  await player.showsSecond(await player.seek(0.5));
  assert.equal(await rows(), 30);
  await player.showsSecond(await player.seek(0.05));
  assert.equal(await rows(), 32);
  // All of it fits: nothing is cut off, and the letters are as large as that allows.
  const [screen, host] = await Promise.all([
    player.page.locator('.xterm-screen').boundingBox(),
    player.page.getByRole('region', { name: 'Recorded screen' }).boundingBox(),
  ]);
  assert.ok(screen !== null && host !== null);
  assert.ok(screen.width <= host.width && screen.height <= host.height, JSON.stringify({ screen, host }));
  await player.page.setViewportSize({ width: 700, height: 500 });
  await player.page.waitForFunction(() => {
    const inner = document.querySelector('.xterm-screen')?.getBoundingClientRect();
    return inner !== undefined && inner.width > 0 && inner.right <= innerWidth && inner.bottom <= innerHeight;
  });
});

test('what is found is jumped to', async () => {
  await using window = await seatOf(browser, site.admin);
  const player = await openPlayer(window);
  await player.pause();
  await player.indexed();
  await player.page.keyboard.press('/');
  await player.page.getByRole('textbox', { name: 'Search in the recording' }).fill('second 5432 ');
  const panel = player.page.getByRole('complementary', { name: 'Search in the recording' });
  await panel.getByText('1 match', { exact: true }).waitFor();
  await panel.getByRole('listitem').getByRole('button').click();
  await player.showsSecond(5432);
  assert.equal(await player.position.getAttribute('aria-valuenow'), '5432');
});

test('speed and skipped idle time are followed; keys move and stop it', async () => {
  await using window = await seatOf(browser, site.admin);
  const player = await openPlayer(window);
  const at = async (): Promise<number> => Number(await player.position.getAttribute('aria-valuenow'));
  const { page } = player;
  const speed = page.getByRole('combobox', { name: 'Speed' });
  await speed.click();
  await page.getByRole('option').last().waitFor();
  assert.deepEqual(await page.getByRole('option').allInnerTexts(), ['0.5×', '1×', '2×', '4×', '8×', '16×']);
  await page.getByRole('option', { name: '16×' }).click();
  const from = await at();
  await page.waitForFunction(
    (past) => Number(document.querySelector('[role=slider]')?.getAttribute('aria-valuenow')) > past,
    from + 8,
  );
  await player.position.focus();
  await page.keyboard.press('End');
  await player.showsSecond(7199);
  await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  await page.keyboard.press('Home');
  await player.showsSecond(1);
  await page.keyboard.press('PageUp');
  await player.showsSecond(60);
  await page.keyboard.press('ArrowRight');
  await player.showsSecond(65);
  await page.getByRole('region', { name: 'Recorded screen' }).click();
  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
});
