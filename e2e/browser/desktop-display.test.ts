import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { PHONE } from '../fixtures/chromium.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { docsPicture } from './pictures.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

const GROUND = '#204060';
const DENSITY = 2;
/** Pixels of the page that a phone's own keyboard covers. */
const OWN_KEYBOARD = 336;
const { site, browser } = await siteAndChromium();

const SERVERS = [
  ['rdp', (): Promise<Xrdp> => startXrdp({ backend: 'xorg' }), 'otter'],
  ['vnc', () => startXvnc({ geometry: '1024x768' }), ''],
] as const;
let machines = 0;
type Server = Awaited<ReturnType<(typeof SERVERS)[number][1]>>;

async function machineOn(server: Server, protocol: 'rdp' | 'vnc', username: string): Promise<string> {
  const { host, port, password } = server;
  const name = `${protocol} machine ${++machines}`;
  // A canvas is black before anything was drawn.
  await server.run('xsetroot', '-solid', GROUND);
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name, kind: 'password', username, secret: password },
  });
  return site.machine({ name, protocol, host, port, credentialId });
}

/** Something to look at. */
async function furnish(server: Server, live: DesktopPage): Promise<void> {
  server.start('xterm', '-geometry', '80x24+30+30', '-e', 'ls -l /usr /usr/share/doc | head -23; sleep 600');
  // Far from an edge: RemoteFX blurs there.
  await live.shows('#ffffff', { x: 490, y: 200 });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

async function boxOf(
  { page }: DesktopPage,
  selector: string,
): Promise<Size & { readonly x: number; readonly y: number }> {
  return (await page.locator(selector).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
}

/** The desktop's own size, the size that it is shown at, and the room that there is for it. */
async function sizesOf(live: DesktopPage): Promise<{ own: Size; shown: Size; room: Size }> {
  const [width = 0, height = 0] = (await live.size()).split('x').map(Number);
  return {
    own: { width, height },
    shown: await boxOf(live, '.desktop-host canvas'),
    room: await boxOf(live, '.desktop-host'),
  };
}

/** Has the page tell what sizes the desktop takes from now on. */
function tellSizes(): void {
  const canvas = document.querySelector<HTMLCanvasElement>('.desktop-host canvas')!;
  const taken = [`${canvas.width}x${canvas.height}`];
  Object.assign(globalThis, { sizesTaken: taken });
  new MutationObserver(() => {
    const size = `${canvas.width}x${canvas.height}`;
    if (size !== taken.at(-1)) taken.push(size);
  }).observe(canvas, { attributeFilter: ['width', 'height'] });
}

const isLike = (a: Size, b: Size, times = 1): boolean =>
  Math.abs(a.width - b.width * times) <= 2 && Math.abs(a.height - b.height * times) <= 2;

/** Waits until the sizes are as wanted. */
async function sized(live: DesktopPage, wanted: (sizes: Awaited<ReturnType<typeof sizesOf>>) => boolean, what: string) {
  let sizes = await sizesOf(live);
  await until(
    async () => wanted((sizes = await sizesOf(live))),
    () => `${what}, not ${JSON.stringify(sizes)}`,
  );
}

async function displaySettings(live: DesktopPage, change: () => Promise<void>): Promise<void> {
  await live.page.getByRole('button', { name: 'More' }).click();
  await live.page.getByRole('menuitem', { name: 'Display settings', exact: true }).click();
  await change();
  const dialog = live.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** One protocol's are enough for the documentation. */
async function pictured(protocol: string, live: DesktopPage, name: string): Promise<void> {
  if (protocol === 'vnc') await docsPicture(live.page, name);
}

/** The pointer of the machine is where the person's is: what is drawn there is meant. */
async function pointsAt(server: Server, live: DesktopPage): Promise<void> {
  const point = { x: 300, y: 250 };
  await live.page.mouse.move(point.x + 5, point.y);
  await live.page.mouse.move(point.x, point.y);
  const wanted = await live.page.evaluate(({ x, y }) => {
    const canvas = document.querySelector<HTMLCanvasElement>('.desktop-host canvas');
    const box = canvas?.getBoundingClientRect() ?? new DOMRect();
    const scale = (canvas?.width ?? 0) / box.width;
    return { x: (x - box.left) * scale, y: (y - box.top) * scale };
  }, point);
  let place = '';
  await until(
    async () => {
      place = await server.run('xdotool', 'getmouselocation');
      const { x, y } = /x:(?<x>\d+) y:(?<y>\d+)/u.exec(place)?.groups ?? {};
      return Math.abs(Number(x) - wanted.x) <= 2 && Math.abs(Number(y) - wanted.y) <= 2;
    },
    () => `the pointer at ${JSON.stringify(wanted)}, not ${place}`,
  );
}

for (const [protocol, start, username] of SERVERS) {
  test(`each way to scale is what it says, on a dense screen too (${protocol})`, async () => {
    await using server: Server = await start();
    const size = { width: 800, height: 600 };
    await using own = await seatOf(browser, site.admin, { size, density: DENSITY });
    const id = await machineOn(server, protocol, username);
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    const show = (name: string): Promise<void> => pictured(protocol, live, name);
    const mode = (name: string) => () => live.page.getByRole('radio', { name }).check();

    await sized(live, ({ own, shown, room }) => isLike(own, room) && isLike(shown, room), 'as large as the window');
    await furnish(server, live);
    await pointsAt(server, live);
    await displaySettings(live, async () => {
      await show('desktop-settings');
      await mode('Screen pixels')();
    });
    await sized(
      live,
      ({ own, shown, room }) => isLike(own, room, DENSITY) && isLike(shown, room),
      'a pixel of the machine for one of the screen, over the whole window',
    );
    await pointsAt(server, live);
    await show('desktop-screen-pixels');
    if (protocol === 'rdp') {
      const told: string[] = [];
      live.page.on('websocket', (socket) => {
        socket.on('framesent', ({ payload }) => {
          told.push(...(/keyboard=[\w-]+&scale=\d+/u.exec(payload.toString('latin1')) ?? []));
        });
      });
      await live.page.reload();
      await live.connected();
      await sized(live, ({ own, room }) => isLike(own, room, DENSITY), 'as many pixels when it is connected to');
      assert.match(told.join(' '), /^\S*&scale=200$/u, 'how much larger it is to draw');
      await pointsAt(server, live);
    }

    // A desktop that keeps its size, in a smaller window.
    await displaySettings(live, async () => {
      await mode('Fit the window')();
      await live.page.getByRole('switch', { name: 'Desktop takes the window’s size' }).click();
    });
    await live.page.setViewportSize({ width: 500, height: 560 });
    await sized(
      live,
      ({ own, shown, room }) => isLike(own, shown, own.width / shown.width) && Math.abs(shown.width - room.width) <= 1,
      'all of it, as large as there is room',
    );
    await pointsAt(server, live);
    await show('desktop-fit');
    const kept = (await sizesOf(live)).own;
    await displaySettings(live, mode('Actual size'));
    await sized(live, ({ shown }) => isLike(shown, kept), 'its own size');
    await pointsAt(server, live);
    await show('desktop-actual-size');
    await displaySettings(live, mode('Screen pixels'));
    await sized(live, ({ shown }) => isLike(shown, kept, 1 / DENSITY), 'half its size on a screen twice as dense');
    await pointsAt(server, live);
    assert.deepEqual((await sizesOf(live)).own, kept);
    assert.deepEqual(own.complaints(), []);
  });

  test(`a desktop fills a full screen, and comes back from it (${protocol})`, async () => {
    await using server: Server = await start();
    await using own = await seatOf(browser, site.admin, { size: { width: 900, height: 600 } });
    const id = await machineOn(server, protocol, username);
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    const show = (name: string): Promise<void> => pictured(protocol, live, name);
    const fills = ({ own: desktop, room }: Awaited<ReturnType<typeof sizesOf>>): boolean => isLike(desktop, room);
    await sized(live, fills, 'as large as the window');
    const before = (await sizesOf(live)).own;
    await furnish(server, live);
    await live.page.getByRole('button', { name: 'Full screen' }).click();
    await live.page.locator('.bar[data-fullscreen="true"]').waitFor();
    await sized(live, (sizes) => fills(sizes) && sizes.own.height > before.height, 'higher by the bar');
    await pointsAt(server, live);
    await until(
      () => live.page.evaluate(() => document.activeElement instanceof HTMLCanvasElement),
      'the desktop to have the keys',
    );
    await until(async () => ((await live.page.locator('.bar').boundingBox())?.y ?? 0) < -20, 'the bar out of the way');
    await show('desktop-full-screen');
    await live.page.evaluate(() => document.exitFullscreen());
    await live.page.locator('.bar[data-fullscreen="false"]').waitFor();
    await sized(live, (sizes) => isLike(sizes.own, before), 'as before');
    assert.deepEqual(own.complaints(), []);
  });

  test(`a phone has a keyboard for the desktop (${protocol})`, async () => {
    await using server: Server = await start();
    await using own = await seatOf(browser, site.admin, { size: PHONE, density: DENSITY, touch: true });
    const id = await machineOn(server, protocol, username);
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    const show = (name: string): Promise<void> => pictured(protocol, live, name);
    await sized(live, ({ own: desktop, room }) => isLike(desktop, room), 'as large as the window');
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-phone-'));
    const file = join(folder, 'typed');
    try {
      server.start('xterm', '-geometry', '56x30+12+12', '-e', `ls /usr; tee ${file}`);
      await live.shows('#ffffff', { x: 300, y: 300 });
      await show('desktop-phone');
      const before = await sizesOf(live);
      await live.page.evaluate(tellSizes);
      const { x, y } = await boxOf(live, '.desktop-host canvas');
      const place = { x: 100, y: 380 };
      await live.page.touchscreen.tap(x + place.x, y + place.y);
      const keyboard = live.page.getByRole('button', { name: 'On-screen keyboard' });
      await keyboard.tap();
      const field = live.page.getByRole('textbox', { name: 'Typed here, sent to the machine' });
      await field.pressSequentially('echo hello');
      await live.page.getByRole('button', { name: 'Ctrl' }).tap();
      await show('desktop-keyboard');
      // The phone's own keyboard comes up below: the desktop stays as it is, with the place that was touched in sight.
      await live.page.setViewportSize({ ...PHONE, height: PHONE.height - OWN_KEYBOARD });
      await until(async () => {
        const [canvas, room] = [await boxOf(live, '.desktop-host canvas'), await boxOf(live, '.desktop-host')];
        const touched = canvas.y + place.y;
        return canvas.y < room.y && touched > room.y && touched < room.y + room.height;
      }, 'the place that was touched, in what the keyboard leaves');
      assert.ok(isLike((await sizesOf(live)).shown, before.shown), 'as large as before');
      // Ctrl-U: the line anew.
      await field.pressSequentially('u');
      await field.pressSequentially('by hande');
      await field.press('Backspace');
      await field.press('Enter');
      await until(async () => (await readFile(file, 'utf8').catch(() => '')) === 'by hand\n', 'what was typed');
      await live.page.setViewportSize(PHONE);
      // A keyboard that covers the page and does not make it smaller, as Safari has it.
      await live.page.evaluate((covered) => {
        const part = window.visualViewport;
        if (part === null) return;
        Object.defineProperty(part, 'height', { configurable: true, value: innerHeight - covered });
        part.dispatchEvent(new Event('resize'));
      }, OWN_KEYBOARD);
      await until(async () => {
        const panel = await boxOf(live, '.touch-keyboard');
        return Math.abs(panel.y + panel.height - (PHONE.height - OWN_KEYBOARD)) < 1;
      }, 'the keys above the keyboard');
      assert.ok(isLike((await sizesOf(live)).shown, before.shown), 'as large as before');
      await live.page.getByRole('group', { name: 'On-screen keyboard' }).getByRole('button', { name: 'Close' }).tap();
      await sized(live, ({ own: desktop, room }) => isLike(desktop, room), 'all of it');
      await until(async () => (await boxOf(live, '.desktop-host canvas')).y >= y - 1, 'from its top');
      assert.deepEqual((await sizesOf(live)).own, before.own);
      const taken = await live.page.evaluate(() => Reflect.get(globalThis, 'sizesTaken') as readonly string[]);
      assert.deepEqual(taken, [`${before.own.width}x${before.own.height}`]);
      assert.deepEqual(own.complaints(), []);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

test('the decoder of RDP is loaded by sessions of RDP alone, compressed, and once', async () => {
  await using rdp = await startXrdp();
  await using vnc = await startXvnc();
  await using own = await seatOf(browser, site.admin, { size: { width: 900, height: 600 } });
  const decoders = (page: DesktopPage['page']) =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((entry): entry is PerformanceResourceTiming => new URL(entry.name).pathname.endsWith('.wasm'))
        .map(({ transferSize, encodedBodySize, decodedBodySize }) => ({
          transferSize,
          encodedBodySize,
          decodedBodySize,
        })),
    );
  const machines = await own.at('/');
  await machines.getByRole('heading', { level: 1 }).waitFor();
  assert.deepEqual(await decoders(machines), []);
  const open = async (server: Server, protocol: 'rdp' | 'vnc', username: string): Promise<DesktopPage> => {
    const id = await machineOn(server, protocol, username);
    return new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  };
  const other = await open(vnc, 'vnc', '');
  assert.deepEqual(await decoders(other.page), []);
  const live = await open(rdp, 'rdp', rdp.username);
  const [first, ...more] = await decoders(live.page);
  assert.deepEqual(more, []);
  assert.ok(first !== undefined && first.encodedBodySize < first.decodedBodySize / 2, JSON.stringify(first));
  await live.page.reload();
  await live.connected();
  const [second] = await decoders(live.page);
  assert.equal(second?.decodedBodySize, first.decodedBodySize);
  assert.equal(second.transferSize, 0, 'fetched again');
  assert.deepEqual(own.complaints(), []);
});
