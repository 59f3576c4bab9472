import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { startRdpShadow, type RdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';

type Server = Awaited<ReturnType<typeof startXrdp>> & Partial<Pick<RdpShadow, 'resize'>>;

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Set to have the pictures of the documentation made anew. */
const IMAGES = process.env['DOCS_IMAGES'];
const GROUND = '#204060';
const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let drawings: string;
let machines = 0;

before(async () => {
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  drawings = await mkdtemp(join(tmpdir(), 'enchilada-drawn-'));
  owned.defer(() => rm(drawings, { recursive: true, force: true }));
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
  ]);
}

/** As near as a machine sends it that saves bytes. */
function isNear(colour: string, other: string): boolean {
  const [a, b] = [colour, other].map((text) => Buffer.from(text.slice(1), 'hex'));
  return a?.length === 3 && a.every((value, index) => Math.abs(value - (b?.[index] ?? 0)) <= 8);
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

/** Whole ones since the desktop was opened for the second time, as far as the running session's recording is stored. */
async function keyFramesOf(sessionId: string): Promise<number> {
  const { recordingId } = await site.admin.api.getSession({ params: { id: sessionId } });
  if (recordingId === undefined) return 0;
  const response = await site.admin.api.streamRecording({ params: { id: recordingId }, query: {} });
  let [openings, count] = [0, 0];
  for (const { event } of new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()))) {
    if (event.kind === 'segment' && event.mode === 'control') openings += 1;
    if (openings > 1 && event.kind === 'key-frame' && event.phase === 'whole') count += 1;
  }
  return count;
}

for (const [kind, start, resizes] of [
  ['without network level authentication', startXrdp, true],
  ['with network level authentication', startRdpShadow, false],
] as const) {
  test(`a recorded machine ${kind} plays back to the same pixels, across a resize and a reload`, async () => {
    await using server: Server = await start();
    await server.run('xsetroot', '-solid', GROUND);
    const id = await machineOn(server);
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    if (resizes) {
      await until(async () => (await live.size()).startsWith('1000x'), 'a desktop as wide as the window');
      await live.page.setViewportSize({ width: 900, height: 640 });
      await until(async () => (await live.size()).startsWith('900x'), 'a desktop as narrow as the window');
    }
    server.start('xlogo', '-geometry', '200x200+500+300', '-render');
    const drawn = join(drawings, id);
    const drawing = `seq 1 400; ls -lR /usr/share/doc | head -2000; touch ${drawn}; sleep 600`;
    server.start('xterm', '-geometry', '70x20+60+40', '-e', drawing);
    await until(async () => (await live.colourAt(560, 330)) !== GROUND, 'a window');
    // A pause in the drawing looks like its end.
    await until(() => Promise.resolve(existsSync(drawn)), 'a machine that has drawn everything');
    await settled(live);
    if (server.resize !== undefined) {
      await server.resize(900, 700);
      await until(async () => (await live.size()) === '900x700', 'the size that the machine took by itself');
      await settled(live);
    }
    if (IMAGES !== undefined && resizes) await live.page.screenshot({ path: join(IMAGES, 'desktop.png') });
    const { sessionId } = live;
    const watching = await new DesktopPage(await own.at(`/s/${sessionId}?watch=1`)).connected();
    assert.equal(await watching.equals(live), await settled(live));

    await live.page.reload();
    await live.connected();
    if (resizes) {
      const noise = server.start(
        'xterm',
        '-geometry',
        '165x56+0+0',
        '-e',
        'while :; do od -A n -t x1 -N 3000 /dev/urandom; done',
      );
      await until(async () => (await keyFramesOf(sessionId)) > 0, 'a key frame after the reload');
      noise.kill('SIGKILL');
    }
    await server.run('xsetroot', '-solid', '#336699');
    await until(async () => isNear(await live.colourAt(5, 5), '#336699'), 'another ground');
    const ground = await settled(live);
    await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
    await live.page.getByRole('alert').waitFor();
    assert.equal(await live.pixels(), ground);

    const recordingId = await site.recordingOf(sessionId);
    const played = new DesktopPage(await own.at(`/r/${recordingId}`), '.player-desktop');
    await until(async () => (await played.pixels()) === ground, 'the last picture, played back');
    // Where to begin is known of what was read.
    await played.page.getByText('Loading', { exact: true }).waitFor({ state: 'detached' });
    const position = played.page.getByRole('slider', { name: 'Position' });
    await position.focus();
    await position.press('Home');
    await until(async () => (await played.pixels()) !== ground, 'another picture at the beginning');
    const asked: number[] = [];
    played.page.on('request', (request) => {
      const chunk = new URL(request.url()).searchParams.get('fromChunk');
      if (chunk !== null) asked.push(Number(chunk));
    });
    await position.press('End');
    await until(async () => (await played.pixels()) === ground, 'the last picture, sought');
    if (resizes) assert.ok((asked.at(-1) ?? 0) > 1, 'from a key frame');
    await played.page.getByRole('button', { name: /^Verified/ }).waitFor();
    assert.deepEqual(own.complaints(), []);
  });
}

/** How often a decoder began anew in a recording that is whole. */
async function segmentsOf(recordingId: string): Promise<number> {
  const response = await site.admin.api.streamRecording({ params: { id: recordingId }, query: {} });
  const events = new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()));
  return events.filter(({ event }) => event.kind === 'segment' && event.mode === 'control').length;
}

for (const [kind, start] of [
  ['without network level authentication', (): Promise<Server> => startXrdp({ backend: 'xvnc' })],
  ['with network level authentication', (): Promise<Server> => startRdpShadow()],
] as const) {
  test(`a desktop ${kind} that changes its size plays back to the same pixels by the decoder that showed it before`, async () => {
    await using server = await start();
    await server.run('xsetroot', '-solid', GROUND);
    const id = await machineOn(server);
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    if (server.resize === undefined)
      await until(async () => (await live.size()).startsWith('1000x'), 'a desktop as wide as the window');
    server.start('xlogo', '-geometry', '200x200+500+300', '-render');
    await until(async () => (await live.colourAt(560, 330)) !== GROUND, 'a window');
    await settled(live);
    const before = await live.size();
    if (server.resize === undefined) await live.page.setViewportSize({ width: 900, height: 640 });
    else await server.resize(900, 700);
    await until(async () => (await live.size()).startsWith('900x'), 'another size');
    await until(async () => isNear(await live.colourAt(5, 5), GROUND), 'the ground at that size');
    // Of what was there before, and of what is drawn anew.
    server.start('xterm', '-geometry', '60x20+40+40', '-e', 'seq 1 400; sleep 600');
    await until(async () => isNear(await live.colourAt(300, 200), '#ffffff'), 'a terminal');
    await settled(live);
    const { sessionId } = live;
    await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
    await live.page.getByRole('alert').waitFor();
    const shown = await live.pixels();
    assert.match(shown, /^900x/u);

    const recordingId = await site.recordingOf(sessionId);
    assert.equal(await segmentsOf(recordingId), 1, 'the decoder began once');
    const played = new DesktopPage(await own.at(`/r/${recordingId}`), '.player-desktop');
    const sizes = await played.page.evaluateHandle(() => {
      const taken = new Set<string>();
      new MutationObserver(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('.player-desktop canvas');
        if (canvas !== null) taken.add(`${canvas.width}x${canvas.height}`);
      }).observe(document, { subtree: true, childList: true, attributeFilter: ['width', 'height'] });
      return taken;
    });
    await played.page.getByText('Loading', { exact: true }).waitFor({ state: 'detached' });
    const position = played.page.getByRole('slider', { name: 'Position' });
    await position.focus();
    await position.press('Home');
    await played.page.getByRole('button', { name: 'Play', exact: true }).click();
    await until(async () => (await played.pixels()) === shown, 'the last picture, played back');
    assert.ok(await sizes.evaluate((taken, size) => taken.has(size), before), 'by way of the size before');
    assert.deepEqual(own.complaints(), []);
  });
}

test('keys and the pointer reach the machine from who controls it and never from who watches', async () => {
  await using server = await startXrdp();
  await server.run('xsetroot', '-solid', GROUND);
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-keys-'));
  const file = join(folder, 'typed');
  const typed = async (): Promise<string> => readFile(file, 'utf8').catch(() => '');
  try {
    const id = await machineOn(server);
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    server.start('xterm', '-geometry', '100x40+0+0', '-e', `cat > ${file}`);
    await live.shows('#ffffff', { x: 300, y: 300 });
    const watching = await new DesktopPage(await own.at(`/s/${live.sessionId}?watch=1`)).connected();
    await watching.page.mouse.click(200, 200);
    await watching.page.keyboard.type('never\n');
    await live.page.bringToFront();
    await live.page.mouse.click(200, 200);
    await live.page.keyboard.type('hello from ada [1-2] /;\n');
    await until(async () => (await typed()) === 'hello from ada [1-2] /;\n', 'what was typed, and nothing else');

    await live.page.keyboard.press('Shift+KeyA');
    await live.page.keyboard.press('Enter');
    await until(async () => (await typed()).endsWith('A\n'), 'a key with another held');
    await live.page.getByRole('button', { name: 'Keys' }).click();
    await live.page.getByRole('menuitem', { name: 'Ctrl Alt Del' }).waitFor();
    await live.page.keyboard.press('Escape');
    await live.page.mouse.click(200, 200);
    await live.page.keyboard.press('Control+KeyD');
    await live.shows(GROUND, { x: 300, y: 300 });
    assert.deepEqual(own.complaints(), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a finger on a phone is a pointer, and the page of a desktop has no serious fault for axe', async () => {
  await using server = await startXrdp();
  await server.run('xsetroot', '-solid', GROUND);
  const id = await machineOn(server, { resizeDesktop: false });
  await using own = await seatOf(browser, site.admin, { size: PHONE });
  const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  await live.shows(GROUND, { x: 300, y: 300 });
  const box = await live.page.locator('.desktop-host canvas').boundingBox();
  assert.ok(box !== null && box.width <= PHONE.width && box.height <= PHONE.height, 'all of it is in the window');
  const [width = 0, height = 0] = (await live.size()).split('x').map(Number);
  const finger = (type: string, x: number, y: number): Promise<void> =>
    live.page.evaluate(
      ([kind, clientX, clientY]) => {
        const canvas = document.querySelector('.desktop-host canvas');
        if (canvas instanceof HTMLCanvasElement) canvas.setPointerCapture = () => undefined;
        canvas?.dispatchEvent(
          new PointerEvent(kind, {
            pointerId: 7,
            pointerType: 'touch',
            clientX,
            clientY,
            bubbles: true,
            cancelable: true,
          }),
        );
      },
      [type, x, y] as const,
    );
  const at = { x: box.x + box.width / 4, y: box.y + box.height / 2 };
  await finger('pointerdown', at.x, at.y);
  await finger('pointerup', at.x, at.y);
  await until(async () => {
    const place = /x:(?<x>\d+) y:(?<y>\d+)/u.exec(await server.run('xdotool', 'getmouselocation'))?.groups;
    return Math.abs(Number(place?.['x']) - width / 4) < 4 && Math.abs(Number(place?.['y']) - height / 2) < 4;
  }, 'the pointer where the finger was');
  server.start('xlogo', '-geometry', '300x300+60+60', '-render');
  await until(async () => (await live.colourAt(70, 80)) !== GROUND, 'a window');
  await live.page.evaluate(axeSource);
  const serious = await live.page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id);
  });
  assert.deepEqual(serious, []);
  assert.deepEqual(own.complaints(), []);
});
