import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { openMachine, seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch({ webgl: 'software' }));
});
after(() => owned.disposeAsync());

const CANVAS = '.xterm-screen canvas:not(.xterm-link-layer)';

/** Pixels of the terminal that have a colour, as the person sees them: from a picture of the page. */
async function coloured(page: Page, [red, green, blue]: readonly [number, number, number]): Promise<number> {
  const picture = await page.locator('.xterm-screen').screenshot();
  return page.evaluate(
    async ([base64, ...wanted]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (wanted.every((value, channel) => Math.abs(data[at + channel]! - value) < 8)) count += 1;
      return count;
    },
    [picture.toString('base64'), red, green, blue] as const,
  );
}

/** A line in a colour that nothing else has; ink is its letters, ground what is around them. */
const INK = [0, 255, 136] as const;
const GROUND = [120, 0, 200] as const;
const LINE = `printf '\\033[48;2;${GROUND.join(';')}m\\033[38;2;${INK.join(';')}m  MMMMMMMMMMMMMMMMMMMM  \\033[0m\\n'`;

/** By how many pixels the screen is wider than the room that it has. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const widthOf = (selector: string): number => document.querySelector(selector)?.getBoundingClientRect().width ?? 0;
    return widthOf('.xterm-screen') - widthOf('.terminal');
  });

test('text is drawn by WebGL, and a lost context leaves the whole screen to the other renderer', async () => {
  const targetId = await site.machineOn(sshd, { name: 'drawn-machine' });
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  await session.connected();
  const { page } = session;
  await page.getByRole('button', { name: 'Got it' }).click();
  const draws = await page.evaluate((selector) => {
    const gl = document.querySelector<HTMLCanvasElement>(selector)?.getContext('webgl2');
    return gl !== null && gl !== undefined && !gl.isContextLost();
  }, CANVAS);
  assert.equal(draws, true, 'the terminal does not draw with WebGL 2');
  assert.equal(await session.rows.count(), 0, 'two renderers at once');
  await session.type(LINE);
  await until(async () => (await coloured(page, INK)) > 0);
  assert.ok((await coloured(page, GROUND)) > 1000);
  assert.ok((await overflow(page)) <= 0);

  await page.evaluate((selector) => {
    const gl = document.querySelector<HTMLCanvasElement>(selector)?.getContext('webgl2');
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
  }, CANVAS);
  await session.shows('MMMMMMMMMMMMMMMMMMMM');
  assert.equal(await page.locator(CANVAS).count(), 0);
  assert.ok((await coloured(page, INK)) > 0 && (await coloured(page, GROUND)) > 1000);
  // Its letters are not as wide: the columns are counted again, and the machine is told.
  assert.ok((await overflow(page)) <= 0, `the screen is ${await overflow(page)} pixels too wide`);
  const widest = 'W'.repeat(60);
  await session.run(`printf '%*s\\n' $(tput cols) ${widest}`, 'still-typing');
  await session.shows(widest);
  const edge = await page.evaluate((words) => {
    const row = [...document.querySelectorAll('.xterm-rows > div')].find((line) => line.textContent.trim() === words);
    const last = row === undefined ? undefined : [...row.children].at(-1);
    return (last?.getBoundingClientRect().right ?? Infinity) - innerWidth;
  }, widest);
  assert.ok(edge <= 0, `the last column ends ${edge} pixels outside of the window`);
  assert.deepEqual(window.complaints(), []);
});
