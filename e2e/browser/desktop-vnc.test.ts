import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;

before(async () => {
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

async function machineOn(desktop: Xvnc, parameters: Record<string, string | boolean> = {}): Promise<string> {
  const credential = await site.admin.api.createCredential({
    body: { name: `desktop ${desktop.port}`, kind: 'password', username: '', secret: desktop.password },
  });
  return site.machine(
    {
      name: `desktop ${desktop.port}`,
      protocol: 'vnc',
      host: desktop.host,
      port: desktop.port,
      credentialId: credential.id,
      parameters,
    },
    ['connect', 'watch'],
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
  desktop.start('xterm', '-geometry', '70x20+60+40', '-e', 'seq 1 400; ls -lR /usr/share/doc | head -2000; sleep 600');
  desktop.start('xlogo', '-geometry', '200x200+500+300', '-render');
}

async function settled(page: DesktopPage): Promise<string> {
  let before = '';
  let same = 0;
  await until(async () => {
    const now = await page.pixels();
    same = now === before && now !== '' ? same + 1 : 0;
    before = now;
    return same >= 8;
  }, 'a picture that stays');
  return before;
}

for (const pixelEncoding of ['tight', 'zrle'] as const) {
  test(`a recorded desktop plays back to the same pixels, across a resize and a reload (${pixelEncoding})`, async () => {
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
    const last = await settled(live);
    await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
    await live.page.getByRole('alert').waitFor();

    const { recordingId } = await site.admin.api.getSession({ params: { id: sessionId } });
    assert.ok(recordingId);
    const played = new DesktopPage(await own.at(`/r/${recordingId}`), '.player-desktop');
    await until(async () => (await played.pixels()) === last, 'the last picture, played back');
    const position = played.page.getByRole('slider', { name: 'Position' });
    await position.focus();
    await position.press('Home');
    await until(async () => (await played.pixels()) !== last, 'another picture at the beginning');
    await position.press('End');
    await until(async () => (await played.pixels()) === last, 'the last picture, sought');
    await played.page.getByRole('button', { name: /^Verified/ }).waitFor();
    assert.deepEqual(own.complaints(), []);
  });
}

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
