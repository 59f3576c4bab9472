import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import type { GrantAction } from '@enchilada/core/access';
import { startXtightvnc } from '@enchilada/core/testing/servers/xtightvnc';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { PHONE } from '../fixtures/chromium.ts';
import { stretchRecording } from '../fixtures/stretched-recording.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

const { site, browser } = await siteAndChromium();

const PAINTER = join(import.meta.dirname, '..', 'bench', 'paint-window.ts');
const EVERYTHING = ['connect', 'watch', 'clipboard-in', 'clipboard-out'] as const;
let machines = 0;

async function machineOn(
  desktop: Pick<Xvnc, 'host' | 'port' | 'password'>,
  parameters: Record<string, string | boolean> = {},
  actions: readonly GrantAction[] = EVERYTHING,
): Promise<string> {
  const name = `desktop ${++machines}`;
  const credential = await site.admin.api.createCredential({
    body: { name, kind: 'password', username: '', secret: desktop.password },
  });
  return site.machine(
    {
      name,
      protocol: 'vnc',
      host: desktop.host,
      port: desktop.port,
      credentialId: credential.id,
      parameters,
    },
    actions,
  );
}

/** A desktop with a ground that is not black, as a canvas is before anything was drawn. */
async function startDesktop(): Promise<Xvnc> {
  const desktop = await startXvnc({ geometry: '900x600' });
  await desktop.run('xsetroot', '-solid', '#203040');
  return desktop;
}

/** What a machine does while somebody looks: windows, text and a picture with many colours. */
async function draw(desktop: Xvnc): Promise<void> {
  await desktop.run('xsetroot', '-mod', '7', '11', '-fg', '#204060', '-bg', '#e0a020');
  desktop.start('xlogo', '-geometry', '200x200+500+300', '-render');
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-drawn-'));
  try {
    const drawing = `seq 1 400; ls -lR /usr/share/doc | head -2000; touch ${join(folder, 'done')}; sleep 600`;
    desktop.start('xterm', '-geometry', '70x20+60+40', '-e', drawing);
    // A pause in the drawing looks like its end.
    await until(async () => (await readdir(folder)).length > 0, 'a machine that has drawn everything');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function settled(page: DesktopPage): Promise<string> {
  let before = '';
  let same = 0;
  await until(async () => {
    const now = await page.pixels();
    same = now === before && now !== '' ? same + 1 : 0;
    before = now;
    return same >= 20;
  }, 'a picture that stays');
  return before;
}

/** To the beginning, and back to the picture that it ends with. */
async function soughtTwice(played: DesktopPage, last: string): Promise<void> {
  const position = played.page.getByRole('slider', { name: 'Position' });
  await position.focus();
  await position.press('Home');
  await until(async () => (await played.pixels()) !== last, 'another picture at the beginning');
  await position.press('End');
  await until(async () => (await played.pixels()) === last, 'the last picture, sought');
}

/** Ends the session and waits until its recording, played, shows what was shown last. */
async function playedToItsEnd(
  own: Awaited<ReturnType<typeof seatOf>>,
  live: DesktopPage,
): Promise<{ readonly played: DesktopPage; readonly last: string; readonly recordingId: string }> {
  await settled(live);
  const { sessionId } = live;
  await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
  await live.page.getByRole('alert').waitFor();
  const last = await live.pixels();
  const recordingId = await site.recordingOf(sessionId);
  const played = new DesktopPage(await own.at(`/r/${recordingId}`), '.player-desktop');
  await until(async () => (await played.pixels()) === last, 'the last picture, played back');
  return { played, last, recordingId };
}

/** How wide the desktop was where the last segment of who was in control begins: its ServerInit lies behind the greeting of the gateway. */
async function widthAtLastConnection(recordingId: string): Promise<number> {
  const response = await site.admin.api.streamRecording({ params: { id: recordingId }, query: {} });
  const events = new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()));
  const from = events.findLastIndex(({ event }) => event.kind === 'segment' && event.mode === 'control');
  const segment = events[from]?.event;
  assert.ok(segment?.kind === 'segment');
  const said = events
    .slice(from)
    .flatMap(({ event }) => (event.kind === 'output' && (event.channel ?? 0) === segment.channel ? [event.bytes] : []));
  const [version, security] = [12, 6];
  return Buffer.concat(said).readUInt16BE(version + security);
}

for (const pixelEncoding of ['tight', 'zrle'] as const) {
  test(`a recorded desktop plays back to the same pixels, across a reload and resizes (${pixelEncoding})`, async () => {
    await using desktop = await startDesktop();
    const id = await machineOn(desktop, { pixelEncoding, lossless: true });
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    // The desktop took the window's size: a resize in the middle of the stream.
    await until(async () => (await live.size()).startsWith('1000x'), 'a desktop as wide as the window');
    await draw(desktop);
    const first = await settled(live);
    const { sessionId } = live;

    await live.page.reload();
    await live.connected();
    assert.equal(await settled(live), first, 'the further connection shows the same desktop');

    const watching = new DesktopPage(await own.at(`/s/${sessionId}?watch=1`));
    await watching.connected();
    assert.equal(await watching.equals(live), first);

    await desktop.run('xsetroot', '-solid', '#336699');
    await live.shows('#336699', { x: 990, y: 10 });

    // What is compared is the further connection's: it is resized itself, to more and to less, and drawn on behind that.
    for (const [width, height, colour] of [
      [1180, 760, '#996633'],
      [940, 680, '#669933'],
    ] as const) {
      await live.page.setViewportSize({ width, height });
      await until(async () => (await live.size()).startsWith(`${width}x`), `a desktop ${width} wide`);
      await desktop.run('xsetroot', '-solid', colour);
      await live.shows(colour, { x: width - 10, y: 10 });
      desktop.start('xlogo', '-geometry', `150x150+${width - 200}+${height - 400}`, '-render');
      await watching.equals(live);
    }
    const { played, last, recordingId } = await playedToItsEnd(own, live);
    assert.match(last, /^940x/u);
    assert.equal(await widthAtLastConnection(recordingId), 1000);
    await soughtTwice(played, last);
    await played.page.getByRole('button', { name: /^Verified/ }).waitFor();
    assert.deepEqual(own.complaints(), []);
  });
}

for (const [pixelEncoding, sent] of [
  ['hextile', /\bHextile:/u],
  ['raw', /\bRaw:/u],
] as const) {
  test(`what is drawn, and what is copied from one place to another, plays back to the same pixels (${pixelEncoding}, CopyRect)`, async () => {
    await using desktop = await startDesktop();
    const id = await machineOn(desktop, { pixelEncoding });
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    await until(async () => (await live.size()).startsWith('1000x'), 'a desktop as wide as the window');
    await draw(desktop);
    const drawn = await settled(live);
    await desktop.run('xdotool', 'search', '--onlyvisible', '--class', 'XLogo', 'windowmove', '650', '120');
    await until(async () => (await live.pixels()) !== drawn, 'a window elsewhere');
    const { played, last } = await playedToItsEnd(own, live);
    await soughtTwice(played, last);
    // TigerVNC tells what it sent on a connection when that is over.
    const told = (): boolean => sent.test(desktop.log()) && /\bCopyRect:/u.test(desktop.log());
    await until(
      () => Promise.resolve(told()),
      () => `${pixelEncoding} and CopyRect in ${desktop.log().slice(-2000)}`,
    );
    assert.doesNotMatch(desktop.log(), /\b(?:Tight|ZRLE)\b.*:/u);
    assert.deepEqual(own.complaints(), []);
  });
}

/** Counts the pictures in JPEG that a page decodes. */
function countJpegs(): void {
  const real = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src') ?? {};
  let count = 0;
  Object.defineProperty(HTMLImageElement.prototype, 'src', {
    ...real,
    set(value: string) {
      if (/^data: ?image\/jpeg/u.test(value)) Object.assign(globalThis, { jpegsDecoded: (count += 1) });
      real.set?.call(this, value);
    },
  });
}

test('pictures that a machine sends as JPEG play back to the same pixels', async () => {
  // TigerVNC sends again without loss what stands still; TightVNC leaves it as it is.
  await using desktop = await startXtightvnc({ asksPassword: true, geometry: '1000x660' });
  const painter = desktop.start(process.execPath, PAINTER, desktop.display);
  const id = await machineOn(desktop, { allowCleartext: true });
  await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
  await own.context.addInitScript(countJpegs);
  const jpegsOn = ({ page }: DesktopPage): Promise<number> =>
    page.evaluate(() => Number(Reflect.get(globalThis, 'jpegsDecoded') ?? 0));
  const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  const first = await live.pixels();
  await until(async () => (await jpegsOn(live)) > 0 && (await live.pixels()) !== first, 'an animation in JPEG');
  painter.kill('SIGSTOP');
  const { played } = await playedToItsEnd(own, live);
  assert.ok((await jpegsOn(played)) > 0, 'replayed without JPEG');
  assert.deepEqual(own.complaints(), []);
});

/** Of the stream from each chunk on, lets so many first bytes through, and the others once the page calls `openGate`. */
function gateRecording(bytesFrom: Readonly<Record<number, number>>): void {
  const real = globalThis.fetch.bind(globalThis);
  const open = Promise.withResolvers<void>();
  Object.assign(globalThis, { openGate: open.resolve });
  globalThis.fetch = async (...asked) => {
    const response = await real(...asked);
    if (response.body === null || !/\/recordings\/[^/]+\/events/u.test(response.url)) return response;
    let left = bytesFrom[Number(new URL(response.url).searchParams.get('fromChunk'))] ?? 0;
    const gate = new TransformStream<Uint8Array, Uint8Array>({
      async transform(piece, controller) {
        const [now, later] = [piece.slice(0, left), piece.slice(left)];
        left -= now.length;
        if (now.length > 0) controller.enqueue(now);
        if (later.length === 0) return;
        await open.promise;
        controller.enqueue(later);
      },
    });
    return new Response(response.body.pipeThrough(gate), response);
  };
}

/** What the stream holds before the frame in which somebody comes to watch. */
async function beforeWatching(id: string, fromChunk: number) {
  const response = await site.admin.api.streamRecording({ params: { id }, query: { fromChunk } });
  const stream = new Uint8Array(await response.arrayBuffer());
  const decoder = new RecordingStreamDecoder();
  let reachedMs = 0;
  // Byte by byte: all that lies before that place is let through.
  for (let bytes = 0; bytes < stream.length; bytes += 1) {
    const events = decoder.push(stream.subarray(bytes, bytes + 1));
    const watching = events.find(({ event }) => event.kind === 'segment' && event.mode === 'watch');
    if (watching !== undefined) return { bytes, reachedMs, chunk: watching.chunk };
    reachedMs = (events.at(-1)?.atUs ?? reachedMs * 1000) / 1000;
  }
  return assert.fail('nobody watched');
}

test('a seek that is stopped stays where it came to, and the recording goes on from there', async () => {
  await using desktop = await startDesktop();
  const id = await machineOn(desktop, { resizeDesktop: false });
  await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
  const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  await live.shows('#203040');
  await desktop.run('xsetroot', '-solid', '#c06020');
  await live.shows('#c06020');
  // Who comes to watch marks the place in the recording.
  const watching = await new DesktopPage(await own.at(`/s/${live.sessionId}?watch=1`)).connected();
  await watching.page.close();
  await desktop.run('xsetroot', '-solid', '#30a050');
  await live.shows('#30a050');
  const { sessionId } = live;
  await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
  await live.page.getByRole('alert').waitFor();
  const recordingId = await site.recordingOf(sessionId);
  const minutes = 10;
  const long = await stretchRecording(site, { of: recordingId, minutes });

  // The player begins at a later chunk where it has not come as far yet.
  const bytesFrom: Record<number, number> = {};
  let reachedMs = 0;
  for (let [fromChunk, last] = [1, long.chunks]; fromChunk <= last; fromChunk += 1) {
    const before = await beforeWatching(long.id, fromChunk);
    bytesFrom[fromChunk] = before.bytes;
    if (fromChunk === 1) ({ reachedMs, chunk: last } = before);
  }
  await own.context.addInitScript(gateRecording, bytesFrom);
  const played = new DesktopPage(await own.at(`/r/${long.id}`), '.player-desktop');
  const { page } = played;
  await page.getByRole('button', { name: 'Pause' }).click();
  const position = page.getByRole('slider', { name: 'Position' });
  const second = async (): Promise<number> => Number(await position.getAttribute('aria-valuenow'));
  await position.press('End');
  const stop = page.getByRole('button', { name: 'Stop here' });
  await stop.waitFor();
  assert.equal(await second(), minutes * 60, 'where it is on the way to');
  await stop.click();
  await page.locator('.player-desktop[aria-busy=false]').waitFor();
  const stays = async (): Promise<void> => {
    assert.equal(await second(), Math.round(reachedMs / 1000));
    assert.equal(await played.colourAt(5, 5), '#c06020');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  };
  await stays();
  await page.evaluate(() => (Reflect.get(globalThis, 'openGate') as () => void)());
  await page.getByText('Loading', { exact: true }).waitFor({ state: 'detached' });
  await stays();

  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await played.shows('#30a050');
  await position.press('End');
  await until(async () => (await second()) === minutes * 60, 'the end');
  await played.shows('#30a050');
  assert.deepEqual(own.complaints(), []);
});

for (const pixelEncoding of ['tight', 'zrle'] as const) {
  test(`who joins after five minutes’ worth of drawing sees the same pixels (${pixelEncoding})`, async () => {
    await using desktop = await startDesktop();
    const id = await machineOn(desktop, { pixelEncoding, lossless: true });
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-drawing-'));
    try {
      // What a terminal draws in five minutes at ten lines a second, as fast as it can.
      const drawing = `seq -f "%.0f of three thousand lines" 1 3000; touch ${join(folder, 'done')}; sleep 600`;
      desktop.start('xterm', '-geometry', '70x20+60+40', '-e', drawing);
      await until(async () => (await readdir(folder)).length > 0, 'a machine that has drawn everything');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const shown = await settled(live);
    const watching = await new DesktopPage(await own.at(`/s/${live.sessionId}?watch=1`)).connected();
    assert.equal(await watching.equals(live), shown);
    // Streams that span the connection go on behind it, for both.
    await desktop.run('xsetroot', '-solid', '#336699');
    await live.shows('#336699', { x: 990, y: 10 });
    await settled(live);
    await watching.equals(live);
    assert.deepEqual(own.complaints(), []);
  });
}

test('an unencrypted desktop says so, and a machine that refuses is heard in its own words', async () => {
  await using encrypted = await startDesktop();
  await using desktop = await startXvnc({ securityTypes: 'VncAuth', geometry: '900x600' });
  await desktop.run('xsetroot', '-solid', '#203040');
  await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
  const open = async (id: string): Promise<DesktopPage> => new DesktopPage(await own.at(`/s/new?target=${id}`));
  const badgeOf = ({ page }: DesktopPage) => page.getByText('Unencrypted', { exact: true });

  const bare = await (await open(await machineOn(desktop, { allowCleartext: true }))).connected();
  await badgeOf(bare).waitFor();
  const shielded = await (await open(await machineOn(encrypted))).connected();
  assert.equal(await badgeOf(shielded).count(), 0);

  const refused = await open(await machineOn({ ...desktop, password: 'not it' }, { allowCleartext: true }));
  const alert = refused.page.getByRole('alert');
  await alert.getByRole('heading', { name: 'The machine refused the credential' }).waitFor();
  await alert.getByText('Authentication failure').waitFor();
  assert.deepEqual(own.complaints(), []);
});

test('keys and pointer reach the machine from who controls it and never from who watches', async () => {
  await using desktop = await startDesktop();
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-keys-'));
  const file = join(folder, 'typed');
  try {
    const id = await machineOn(desktop);
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    desktop.start('xterm', '-geometry', '100x40+0+0', '-e', `cat > ${file}`);
    await live.shows('#ffffff', { x: 300, y: 300 });
    const watching = await new DesktopPage(await own.at(`/s/${live.sessionId}?watch=1`)).connected();
    await watching.page.mouse.click(200, 200);
    await watching.page.keyboard.type('never\n');

    await live.page.bringToFront();
    await live.page.mouse.click(200, 200);
    await live.page.keyboard.type('Hello from ada: {[1+2]} ~/|\n');
    await until(
      async () => (await readFile(file, 'utf8').catch(() => '')) === 'Hello from ada: {[1+2]} ~/|\n',
      'what was typed, and nothing else',
    );
    assert.deepEqual(own.complaints(), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the clipboard goes both ways, and nowhere where it is forbidden', async () => {
  await using desktop = await startDesktop();
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-clipboard-'));
  const file = join(folder, 'pasted');
  // What a program on the machine does that copies: OSC 52 sets the selection of the terminal's display, for as long as that lives.
  const copying = (text: string, seconds: number): readonly [string, ...string[]] => [
    'xterm',
    ...['-xrm', 'XTerm*allowWindowOps: true', '-e'],
    `printf '\\033]52;c;${Buffer.from(text).toString('base64')}\\007'; sleep ${seconds}`,
  ];
  const copyOnMachine = (text: string): Promise<string> => desktop.run(...copying(text, 1));
  try {
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const readBack = (page: DesktopPage): Promise<string> => page.page.evaluate(() => navigator.clipboard.readText());
    const paste = async (page: DesktopPage, text: string): Promise<void> => {
      await page.page.evaluate((content) => navigator.clipboard.writeText(content), text);
      await page.page.getByRole('button', { name: 'More' }).click();
      await page.page.getByRole('menuitem', { name: 'Paste to the machine’s clipboard' }).click();
    };

    const mayClipboard = async ({ page }: DesktopPage): Promise<{ copy: boolean; paste: boolean }> => {
      const more = page.getByRole('button', { name: 'More' });
      const isEnabled = (name: string): Promise<boolean> =>
        page.getByRole('menuitem', { name }).isEnabled({ timeout: 2_000 });
      const found = { copy: false, paste: false };
      // A page that comes back for another stream closes its menu.
      await until(async () => {
        if ((await more.getAttribute('aria-expanded')) !== 'true') await more.click();
        try {
          found.copy = await isEnabled('Copy from the machine’s clipboard');
          found.paste = await isEnabled('Paste to the machine’s clipboard');
          return true;
        } catch (error) {
          if ((error as Error).name === 'TimeoutError') return false;
          throw error;
        }
      }, 'the menu');
      // What a page that has come back draws first may meet the key: it is pressed until it was heard.
      await until(async () => {
        await page.keyboard.press('Escape');
        return (await page.getByRole('menu').count()) === 0;
      }, 'the menu to close');
      return found;
    };

    const open = await new DesktopPage(await own.at(`/s/new?target=${await machineOn(desktop)}`)).connected();
    // The text itself is asked for once the machine has told that there is one: however late, it is there.
    const copied = desktop.start(...copying('from the machine: äß€', 600));
    await until(async () => (await readBack(open)) === 'from the machine: äß€', 'the text of the machine');
    copied.kill();
    await open.shows('#203040', { x: 300, y: 300 });
    desktop.start('xterm', '-geometry', '100x40+0+0', '-e', `cat > ${file}`);
    await open.shows('#ffffff', { x: 300, y: 300 });
    await paste(open, 'to the machine: ñ✓');
    await open.page.getByText('On the machine’s clipboard').waitFor();
    await open.page.mouse.click(200, 200);
    await open.page.keyboard.press('Shift+Insert');
    // The machine asks the browser for the text only when a program wants it: the line may end before it came.
    await until(async () => {
      await open.page.keyboard.press('Enter');
      return (await readFile(file, 'utf8').catch(() => '')).includes('to the machine: ñ✓');
    }, 'what was pasted');
    await open.page.getByRole('button', { name: 'More' }).click();
    await open.page.getByRole('menuitem', { name: 'End session' }).click();
    await open.page.getByRole('heading', { name: 'You ended the session' }).waitFor();
    await open.page.close();

    const closed = await machineOn(desktop, { disableCopy: true, disablePaste: true });
    const shut = await new DesktopPage(await own.at(`/s/new?target=${closed}`)).connected();
    await shut.page.evaluate(() => navigator.clipboard.writeText('untouched'));
    await copyOnMachine('must not leave');
    assert.deepEqual(await mayClipboard(shut), { copy: false, paste: false });
    await shut.page.mouse.click(200, 200);
    await shut.page.keyboard.press('Shift+Insert');
    await shut.page.keyboard.type('end\n');
    await until(async () => (await readFile(file, 'utf8')).includes('end'), 'what was typed behind it');
    assert.equal(await readBack(shut), 'untouched', 'the browser’s own clipboard is as it was');
    await shut.page.close();

    // Rights come and go while the person works: their page comes back with what they have.
    const ungranted = await machineOn(desktop, {}, ['connect']);
    const bare = await new DesktopPage(await own.at(`/s/new?target=${ungranted}`)).connected();
    await copyOnMachine('not yet');
    assert.deepEqual(await mayClipboard(bare), { copy: false, paste: false });
    // Whoever is in a menu at that moment stays in it: what they type does not go on into the machine.
    await bare.page.getByRole('button', { name: 'More' }).click();
    await bare.page.getByRole('menu').waitFor();
    const more = await site.grant(site.admin, ungranted, ['clipboard-out']);
    await until(async () => {
      await copyOnMachine('now it may');
      return (await readBack(bare)) === 'now it may';
    }, 'the text of the machine, in the same session');
    assert.ok(await bare.page.evaluate(() => document.activeElement?.closest('[role=menu]') !== null));
    await bare.page.keyboard.press('Escape');
    assert.deepEqual(await mayClipboard(bare), { copy: true, paste: false });
    await site.admin.api.deleteGrant({ params: { id: more } });
    await until(async () => !(await mayClipboard(bare)).copy, 'the right withdrawn');
    assert.deepEqual(own.complaints(), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a phone shows the whole desktop, its keyboard and the keys that it lacks', async () => {
  await using desktop = await startDesktop();
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-phone-'));
  const file = join(folder, 'typed');
  try {
    const id = await machineOn(desktop, { resizeDesktop: false });
    await using own = await seatOf(browser, site.admin, { size: PHONE });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    desktop.start('xterm', '-geometry', '100x40+0+0', '-e', `cat > ${file}`);
    await live.shows('#ffffff', { x: 300, y: 300 });
    const box = await live.page.locator('.desktop-host canvas').boundingBox();
    assert.ok(box !== null && box.width <= PHONE.width && box.height <= PHONE.height);
    assert.equal(await live.size(), '900x600');
    await live.page.mouse.click(box.x + box.width / 3, box.y + box.height / 3);
    await live.page.getByRole('button', { name: 'On-screen keyboard' }).click();
    const field = live.page.getByRole('textbox', { name: 'Typed here, sent to the machine' });
    await field.pressSequentially('abx');
    await field.press('Backspace');
    await field.press('Enter');
    await until(async () => (await readFile(file, 'utf8').catch(() => '')) === 'ab\n', 'what was typed on the phone');
    await live.page.getByRole('button', { name: 'Ctrl' }).click();
    await field.pressSequentially('d');
    await live.shows('#203040', { x: 300, y: 300 });
    assert.deepEqual(own.complaints(), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
