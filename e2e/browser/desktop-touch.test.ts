import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { PHONE } from '../fixtures/chromium.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { fingersOn, type Point } from './fingers.ts';
import { docsPicture } from './pictures.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

const WIDE = { width: 800, height: 600 };
const BUTTONS = { left: 1, right: 3, wheelUp: 4, wheelDown: 5 } as const;
const { site, browser } = await siteAndChromium();

interface ButtonEvent extends Point {
  readonly isDown: boolean;
  readonly button: number;
}

/** What the machine was told of buttons, in its own pixels. */
function buttonsIn(text: string): readonly ButtonEvent[] {
  const events = /(ButtonPress|ButtonRelease) event[\s\S]*?root:\((\d+),(\d+)\)[\s\S]*?button (\d+)/gu;
  return [...text.matchAll(events)].map(([, kind, x, y, button]) => ({
    isDown: kind === 'ButtonPress',
    x: Number(x),
    y: Number(y),
    button: Number(button),
  }));
}

for (const [protocol, start, username] of [
  ['rdp', startXrdp, 'otter'],
  ['vnc', startXvnc, ''],
] as const) {
  test(`fingers tap, rest, drag, scroll and look closer (${protocol})`, async () => {
    await using server = await start({ geometry: `${WIDE.width}x${WIDE.height}` });
    // A canvas is black before anything was drawn.
    await server.run('xsetroot', '-solid', '#204060');
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-touch-'));
    try {
      const { host, port, password } = server;
      const { id: credentialId } = await site.admin.api.createCredential({
        body: { name: protocol, kind: 'password', username, secret: password },
      });
      const id = await site.machine({ name: `machine for ${protocol}`, protocol, host, port, credentialId });
      await using own = await seatOf(browser, site.admin, { size: PHONE, touch: true });
      // A desktop that is larger than the phone.
      await own.context.addInitScript(() => {
        if (location.protocol === 'http:') localStorage.setItem('enchilada-desktop', '{"resize":false}');
      });
      const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
      const file = join(folder, 'events');
      server.start('sh', '-c', `exec xev -geometry 800x600+0+0 -event button > ${file}`);
      await live.shows('#ffffff', { x: 400, y: 500 });
      const canvas = live.page.locator('.desktop-host canvas');
      const box = async () => (await canvas.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
      const first = await box();
      const [width = 0] = (await live.size()).split('x').map(Number);
      const scale = first.width / width;
      /** A place of the machine, on the page. */
      const at = (x: number, y: number): Point => ({ x: first.x + x * scale, y: first.y + y * scale });
      const fingers = await fingersOn(live.page);
      const heard = async (): Promise<readonly ButtonEvent[]> =>
        buttonsIn(await readFile(file, 'utf8').catch(() => ''));
      let told = 0;
      /** What the machine is told from now on, once it is as wanted. */
      const hears = async (wanted: (events: readonly ButtonEvent[]) => boolean, what: string): Promise<void> => {
        let news: readonly ButtonEvent[] = [];
        await until(
          async () => wanted((news = (await heard()).slice(told))),
          () => `${what}, not ${JSON.stringify(news)}`,
        );
        told += news.length;
      };
      const isAt = (event: ButtonEvent | undefined, place: Point): boolean =>
        event !== undefined && Math.hypot(event.x - place.x, event.y - place.y) <= 1.5 / scale;
      const clicked = (button: number, place: Point) => (events: readonly ButtonEvent[]) =>
        events.length === 2 &&
        events.every((event, index) => event.button === button && event.isDown === (index === 0)) &&
        isAt(events[0], place);

      await fingers.tap(at(200, 200));
      await hears(clicked(BUTTONS.left, { x: 200, y: 200 }), 'a click');

      await fingers.rest(at(400, 300), async () => {
        await until(
          async () => (await heard()).slice(told).some(({ button }) => button === BUTTONS.right),
          'the other button',
        );
      });
      await hears(clicked(BUTTONS.right, { x: 400, y: 300 }), 'a click of the other button');

      await fingers.move([at(100, 100)], [at(500, 400)]);
      await hears(
        ([press, release, ...more]) =>
          more.length === 0 &&
          press?.isDown === true &&
          isAt(press, { x: 100, y: 100 }) &&
          release?.isDown === false &&
          isAt(release, { x: 500, y: 400 }),
        'a button held from there to here',
      );

      // Two fingers that go up bring up what is below.
      const turnsFrom = told;
      const [left, right] = [at(300, 550), at(420, 550)];
      const risen = ({ x, y }: Point): Point => ({ x, y: y - 160 });
      await fingers.move([left, right], [risen(left), risen(right)]);
      const last = { x: 700, y: 200 };
      await fingers.tap(at(last.x, last.y));
      await hears((events) => clicked(BUTTONS.left, last)(events.slice(-2)), 'a click behind the wheel');
      const turns = (await heard()).slice(turnsFrom, -2);
      // A notch for 50 pixels, however small the steps were: pressed and released.
      assert.ok(turns.length > 0 && turns.length <= (2 * 160) / 50, `${turns.length / 2} notches`);
      assert.ok(
        turns.every(({ button }) => button === BUTTONS.wheelDown),
        'the wheel turned down, and nothing else',
      );

      server.start('xterm', '-geometry', '80x20+100+120', '-e', 'ls -l /usr /usr/share/doc | head -19; sleep 600');
      await live.shows('#000000', { x: 100, y: 120 });
      const middle = at(400, 300);
      const apart = (by: number): readonly Point[] => [
        { x: middle.x - by, y: middle.y },
        { x: middle.x + by, y: middle.y },
      ];
      await fingers.move(apart(30), apart(90));
      await until(async () => (await box()).width > first.width * 2, 'a picture twice as large');
      if (protocol === 'vnc') await docsPicture(live.page, 'desktop-closer');
      const closer = await box();
      // What is cut is moved by two fingers, and the machine hears of none of it.
      await fingers.move([left, right], [risen(left), risen(right)]);
      await until(async () => (await box()).y < closer.y - 40, 'another part of the picture');
      await fingers.move(apart(120), apart(15));
      await until(async () => Math.abs((await box()).width - first.width) < 1, 'the whole picture again');
      // Far from the last one: two taps that are near each other in place and time are a double click of one place.
      await fingers.tap(at(700, 500));
      await hears(clicked(BUTTONS.left, { x: 700, y: 500 }), 'a click, and nothing in front of it');
      assert.deepEqual(own.complaints(), []);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
