import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { Chromium } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';
import { trapDecoders } from './trapping-decoder.ts';

type Server = Xrdp | Awaited<ReturnType<typeof startRdpShadow>>;

const GROUND = '#204060';
const WINDOW = { size: { width: 1000, height: 700 } };
const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let folder: string;
let machines = 0;

before(async () => {
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  folder = await mkdtemp(join(tmpdir(), 'enchilada-controls-'));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
});
after(() => owned.disposeAsync());

async function machineOn(server: Server, parameters: Record<string, string | boolean> = {}): Promise<string> {
  const name = `windows ${++machines}`;
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name, kind: 'password', username: server.username, secret: server.password },
  });
  return site.machine({ name, protocol: 'rdp', host: server.host, port: server.port, credentialId, parameters }, [
    'connect',
    'watch',
    'clipboard-in',
    'clipboard-out',
  ]);
}

/** A terminal over the whole desktop, whose lines are kept in a file. */
async function typingOn(server: Server, live: DesktopPage): Promise<() => Promise<string>> {
  const file = join(folder, `typed-${++machines}`);
  const translations = '*VT100.translations: #override <Key>F2: insert-selection(CLIPBOARD)';
  server.start('xterm', '-u8', '-geometry', '100x40+0+0', '-xrm', translations, '-e', `cat > ${file}`);
  await live.shows('#ffffff', { x: 300, y: 300 });
  await live.page.mouse.click(200, 200);
  return () => readFile(file, 'utf8').catch(() => '');
}

async function choose(live: DesktopPage, button: string, item: string): Promise<void> {
  await live.page.getByRole('button', { name: button }).click();
  await live.page.getByRole('menuitem', { name: item, exact: true }).click();
}

async function typeText(live: DesktopPage, text: string): Promise<void> {
  await choose(live, 'More', 'Send text');
  await live.page.getByRole('textbox', { name: 'Text' }).fill(text);
  await live.page.getByRole('button', { name: 'Type it' }).click();
  await live.page.getByRole('dialog').waitFor({ state: 'hidden' });
}

async function chooseLayout(live: DesktopPage, layout: string): Promise<void> {
  await choose(live, 'More', 'Display settings');
  await live.page.getByRole('combobox', { name: 'Keyboard layout' }).click();
  await live.page.getByRole('option', { name: layout, exact: true }).click();
  await live.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
}

for (const [disableCopy, disablePaste] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const) {
  const way = disableCopy
    ? disablePaste
      ? 'neither way'
      : 'to the machine only'
    : disablePaste
      ? 'from the machine only'
      : 'both ways';
  test(`the clipboard goes ${way} where the machine’s settings say so`, async () => {
    await using server = await startXrdp({ backend: 'xorg' });
    await using own = await seatOf(browser, site.admin, WINDOW);
    const id = await machineOn(server, { disableCopy, disablePaste });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    const isAnnounced = (): boolean => /Adding channel: name cliprdr/u.test(server.log());
    if (disableCopy && disablePaste) assert.ok(!isAnnounced(), 'the announcement');
    else await until(() => Promise.resolve(isAnnounced()), 'the announcement');
    const typed = await typingOn(server, live);

    const readBack = (): Promise<string> => live.page.evaluate(() => navigator.clipboard.readText());
    await live.page.evaluate(() => navigator.clipboard.writeText('to the machine: ñ✓'));
    if (disablePaste) {
      await live.page.getByRole('button', { name: 'More' }).click();
      const item = live.page.getByRole('menuitem', { name: 'Paste to the machine’s clipboard' });
      assert.ok(await item.isDisabled());
      await live.page.keyboard.press('Escape');
    } else await choose(live, 'More', 'Paste to the machine’s clipboard');
    await live.page.mouse.click(200, 200);
    await until(async () => {
      await live.page.keyboard.press('F2');
      await live.page.keyboard.type('x\n');
      return disablePaste ? (await typed()).includes('x') : (await typed()).includes('to the machine: ñ✓');
    }, 'what was pasted, or what was typed in its place');
    if (disablePaste) assert.doesNotMatch(await typed(), /machine/u);

    const done = join(folder, `copied-${++machines}`);
    const copied = `printf '\\033]52;c;${Buffer.from('from the machine: äß€').toString('base64')}\\007'; touch ${done}; sleep 600`;
    server.start('xterm', '-xrm', '*allowWindowOps: true', '-geometry', '20x5-0-0', '-e', copied);
    if (disableCopy) {
      await until(async () => (await readFile(done).catch(() => undefined)) !== undefined, 'a program that copied');
      await live.page.mouse.click(200, 200);
      // What was asked of the clipboard before may still come, in the middle of a line.
      await until(async () => {
        await live.page.keyboard.type('behind it\n');
        return (await typed()).includes('behind it');
      }, 'what was typed after the machine copied');
      assert.equal(await readBack(), 'to the machine: ñ✓');
    } else await until(async () => (await readBack()) === 'from the machine: äß€', 'the text of the machine');
    assert.deepEqual(own.complaints(), []);
  });
}

for (const [name, start, layout] of [
  ['that takes no characters (FreeRDP)', startRdpShadow, undefined],
  [
    'that looks for characters on its layout (xrdp)',
    (): Promise<Xrdp> => startXrdp({ backend: 'xorg' }),
    'German (Germany)',
  ],
] as const) {
  test(`text reaches a machine ${name} as keys, and what no key has is told`, async () => {
    await using server: Server = await start();
    await using own = await seatOf(browser, site.admin, { ...WINDOW, locale: 'en-US' });
    const live = await new DesktopPage(await own.at(`/s/new?target=${await machineOn(server)}`)).connected();
    if (layout !== undefined) {
      await chooseLayout(live, layout);
      await until(() => Promise.resolve(/keylayout:\[0x00000407\]/u.test(server.log())), 'the German layout');
      await live.connected();
    }
    const typed = await typingOn(server, live);
    const words = layout === undefined ? 'Hello {[1+2]} ~/|@"' : 'größer Straße {x} @~ Café';
    await typeText(live, `${words} ✓\n`);
    await live.page.getByText('Not everything could be typed').waitFor();
    await live.page.getByText('has no key for ✓.').waitFor();
    await until(async () => (await typed()) === `${words} \n`, 'the text');
    assert.deepEqual(own.complaints(), []);
  });
}

test('keys that the browser keeps for itself come by the menu', async () => {
  await using server = await startXrdp({ backend: 'xorg' });
  await using own = await seatOf(browser, site.admin, WINDOW);
  const live = await new DesktopPage(await own.at(`/s/new?target=${await machineOn(server)}`)).connected();
  const file = join(folder, 'events');
  // A key whose release is late on its way would be repeated.
  await server.run('xset', 'r', 'off');
  server.start('sh', '-c', `exec xev -geometry 900x600+0+0 -event keyboard > ${file}`);
  await live.shows('#ffffff', { x: 300, y: 300 });
  await live.page.mouse.click(300, 300);
  const events = async (): Promise<readonly string[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return [...text.matchAll(/(KeyPress|KeyRelease) event[\s\S]*?keysym 0x[0-9a-f]+, (\w+)\)/gu)].map(
      ([, kind, key]) => `${kind === 'KeyPress' ? '+' : '-'}${key ?? ''}`,
    );
  };
  for (const [item, wanted] of [
    ['Ctrl Alt Del', '+Control_L +Alt_L +Delete -Delete -Alt_L -Control_L'],
    ['Alt Tab', '+Alt_L +Tab -Tab -Alt_L'],
    ['Meta', '+Super_L -Super_L'],
    ['Ctrl W', '+Control_L +w -w -Control_L'],
  ] as const) {
    const before = (await events()).length;
    await choose(live, 'Keys', item);
    let heard = '';
    await until(
      async () => {
        heard = (await events()).slice(before).join(' ');
        return heard === wanted;
      },
      () => `${item}, not ${heard}`,
    );
  }
  assert.deepEqual(own.complaints(), []);
});

test('no button and no key stays pressed, whatever else was held when it came up', async () => {
  await using server = await startXrdp({ backend: 'xorg' });
  await using own = await seatOf(browser, site.admin, WINDOW);
  const live = await new DesktopPage(await own.at(`/s/new?target=${await machineOn(server)}`)).connected();
  const file = join(folder, 'chords');
  await server.run('xset', 'r', 'off');
  server.start('sh', '-c', `exec xev -geometry 900x600+0+0 -event keyboard -event button > ${file}`);
  await live.shows('#ffffff', { x: 300, y: 300 });
  const events = async (): Promise<readonly string[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return [
      ...text.matchAll(/(Press|Release) event[\s\S]*?(?:keysym 0x[0-9a-f]+, (?<key>\w+)\)|button (?<button>\d+))/gu),
    ].map(([, kind, key, button]) => `${kind === 'Press' ? '+' : '-'}${key ?? button ?? ''}`);
  };
  let seen = 0;
  const hears = async (wanted: string): Promise<void> => {
    let heard: readonly string[] = [];
    await until(
      async () => (heard = (await events()).slice(seen)).join(' ') === wanted,
      () => `${wanted}, not ${heard.join(' ')}`,
    );
    seen += heard.length;
  };
  const { mouse, keyboard } = live.page;
  await mouse.move(300, 300);
  // The left, right and middle one are 1, 3 and 2 to X.
  await mouse.down();
  await mouse.down({ button: 'right' });
  await mouse.up();
  await mouse.up({ button: 'right' });
  await hears('+1 +3 -1 -3');
  await mouse.down({ button: 'middle' });
  await mouse.down();
  await mouse.up({ button: 'middle' });
  await mouse.up();
  await hears('+2 +1 -2 -1');

  await mouse.down();
  await live.page.locator('.desktop-host canvas').evaluate((canvas: HTMLCanvasElement) => canvas.blur());
  await hears('+1 -1');
  await mouse.move(320, 320);
  await mouse.up();
  await mouse.click(300, 300);
  await hears('+1 -1');

  // Chromium on macOS never tells that the letter comes up.
  await keyboard.down('Meta');
  await keyboard.down('KeyV');
  await keyboard.up('Meta');
  await hears('+Super_L +v -Super_L -v');
  await keyboard.up('KeyV');
  await keyboard.press('KeyX');
  await hears('+x -x');
  assert.deepEqual(own.complaints(), []);
});

test('the picture is scaled as the person chooses, and fills a full screen', async () => {
  await using server = await startXrdp({ backend: 'xorg' });
  await server.run('xsetroot', '-solid', GROUND);
  await using own = await seatOf(browser, site.admin, WINDOW);
  const id = await machineOn(server, { resizeDesktop: false });
  const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  const shown = async (): Promise<{ readonly width: number; readonly height: number }> =>
    (await live.page.locator('.desktop-host canvas').boundingBox()) ?? { width: 0, height: 0 };
  const [width = 0, height = 0] = (await live.size()).split('x').map(Number);
  const fits = async (): Promise<boolean> => {
    const [box, host] = [await shown(), await live.page.locator('.desktop-host').boundingBox()];
    const filled = Math.min((host?.width ?? 0) / width, (host?.height ?? 0) / height);
    return Math.abs(box.width - width * filled) < 1 && Math.abs(box.height - height * filled) < 1;
  };
  await until(fits, 'the whole desktop in the window');
  await choose(live, 'More', 'Display settings');
  await live.page.getByRole('radio', { name: 'Actual size' }).check();
  await until(async () => (await shown()).width === width && (await shown()).height === height, 'its actual size');
  await live.page.getByRole('radio', { name: 'Fit the window' }).check();
  await live.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await live.page.getByRole('button', { name: 'Full screen' }).click();
  await live.page.locator('.bar[data-fullscreen="true"]').waitFor();
  assert.equal(await live.page.evaluate(() => document.fullscreenElement !== null), true);
  await until(fits, 'the whole desktop on the screen');
  assert.deepEqual(own.complaints(), []);
});

interface Pointer {
  /** The value of CSS, without its picture. */
  readonly style: string;
  /** How many pixels that can be seen have each colour. */
  readonly colours: Readonly<Record<string, number>>;
}

/** What the browser shows where the mouse is over the desktop. */
async function pointerOf(live: DesktopPage): Promise<Pointer> {
  return live.page.locator('.desktop-host canvas').evaluate(async (canvas) => {
    const { cursor } = getComputedStyle(canvas);
    const url = /url\("?([^")]+)"?\)/u.exec(cursor)?.[1];
    const colours: Record<string, number> = {};
    if (url === undefined) return { style: cursor, colours };
    const image = new Image();
    image.src = url;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] === 0) continue;
      const colour = `#${[...data.slice(at, at + 3)].map((value) => value.toString(16).padStart(2, '0')).join('')}`;
      colours[colour] = (colours[colour] ?? 0) + 1;
    }
    return { style: cursor.replace(url, ''), colours };
  });
}

/** A bitmap of 16 × 16 pixels, the same in each row, as `xsetroot` reads it. */
async function bitmap(name: string, row: readonly [string, string]): Promise<string> {
  const file = join(folder, name);
  const define = (what: string, value: number): string => `#define ${name}_${what} ${value}\n`;
  const bits = Array.from({ length: 16 }, () => row.join(', ')).join(', ');
  await writeFile(
    file,
    `${define('width', 16)}${define('height', 16)}${define('x_hot', 3)}${define('y_hot', 5)}static char ${name}_bits[] = {\n${bits} };\n`,
  );
  return file;
}

test('the pointer in the browser is the picture that the machine sent', async () => {
  await using server = await startXrdp({ backend: 'xorg' });
  await server.run('xsetroot', '-solid', GROUND);
  await using own = await seatOf(browser, site.admin, WINDOW);
  const id = await machineOn(server, { resizeDesktop: false });
  const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  const box = await live.page.locator('.desktop-host canvas').boundingBox();
  const [width = 0] = (await live.size()).split('x').map(Number);
  const scale = (box?.width ?? 0) / width;
  const moveTo = (x: number, y: number): Promise<void> =>
    live.page.mouse.move((box?.x ?? 0) + x * scale, (box?.y ?? 0) + y * scale);
  let shown: Pointer = { style: '', colours: {} };
  const shows = (what: string, wanted: (pointer: Pointer) => boolean): Promise<unknown> =>
    until(
      async () => wanted((shown = await pointerOf(live))),
      () => `${what}, not ${JSON.stringify(shown)}`,
    );
  const seen = ({ colours }: Pointer): number => Object.values(colours).reduce((sum, count) => sum + count, 0);

  const [half, whole] = [await bitmap('half', ['0xff', '0x00']), await bitmap('whole', ['0xff', '0xff'])];
  // Red to the left, green to the right, which no theme has.
  await server.run('xsetroot', '-cursor', half, whole, '-fg', '#ff0000', '-bg', '#00ff00');
  const isOwn = ({ style, colours }: Pointer): boolean =>
    /\) 3 5, default$/u.test(style) && colours['#ff0000'] === 128 && colours['#00ff00'] === 128;
  await moveTo(40, 40);
  await shows('the pointer of the ground', (pointer) => isOwn(pointer) && seen(pointer) === 256);

  server.start('xterm', '-geometry', '60x20+300+200');
  await live.shows('#ffffff', { x: 500, y: 400 });
  await moveTo(500, 350);
  await shows('the pointer of a terminal', (pointer) => !isOwn(pointer) && seen(pointer) > 0);
  await moveTo(40, 60);
  await shows('the pointer of the ground again', isOwn);
  assert.deepEqual(own.complaints(), []);
});

test('a decoder that crashes says so, and the session goes on', async () => {
  await using server = await startXrdp();
  await server.run('xsetroot', '-solid', GROUND);
  await using own = await seatOf(browser, site.admin, WINDOW);
  await trapDecoders(own.context);
  const live = await new DesktopPage(await own.at(`/s/new?target=${await machineOn(server)}`)).connected();
  await live.shows(GROUND);
  const { sessionId } = live;
  await live.page.evaluate(() => Object.assign(globalThis, { decoderTraps: true }));
  await live.page.mouse.move(300, 300);
  await live.page.getByText('The picture cannot be shown any more').waitFor();
  assert.equal((await site.admin.api.getSession({ params: { id: sessionId } })).state, 'live');
  await live.page.getByRole('button', { name: 'Show it again' }).click();
  await live.connected();
  await server.run('xsetroot', '-solid', '#336699');
  await live.shows('#336699');
  assert.equal(live.sessionId, sessionId);
  for (const complaint of own.complaints()) assert.match(complaint, /unreachable/u);
});
