import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { playOn, startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';

const IMAGES = process.env['DOCS_IMAGES'];
const owned = new AsyncDisposableStack();
let guacd: Guacd;
let site: Site;
let browser: Chromium;

before(async () => {
  guacd = owned.use(await Guacd.start());
  const config = `guacd: { servers: "tcp://127.0.0.1:${guacd.port}", allowVulnerable: true }\n`;
  site = owned.use(await Site.start({ config }));
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

test('a desktop through guacd is used, left, found again, watched, recorded and played back to the same pixels', async () => {
  await using desktop = await startXvnc({ geometry: '900x600', securityTypes: 'VncAuth' });
  await desktop.run('xsetroot', '-solid', '#203040');
  desktop.start('xterm', '-geometry', '70x20+60+40');
  await desktop.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '200', '200');
  const { api } = site.admin;
  const credential = await api.createCredential({
    body: { name: 'desktop', kind: 'password', username: '', secret: desktop.password },
  });
  const targetId = await site.machine(
    {
      name: 'far-desktop',
      protocol: 'guacd',
      host: desktop.host,
      port: desktop.port,
      credentialId: credential.id,
      parameters: { protocol: 'vnc' },
    },
    ['connect', 'watch'],
  );
  await using window = await seatOf(browser, site.admin);
  const live = await new DesktopPage(await window.at(`/s/new?target=${targetId}`)).connected();
  await live.page.mouse.click(300, 250);
  await live.page.keyboard.type('xsetroot -solid "#405060"');
  await live.page.keyboard.press('Enter');
  await live.shows('#405060');
  if (IMAGES !== undefined) await live.page.screenshot({ path: join(IMAGES, 'guacd-live.png') });

  await live.page.reload();
  await live.connected();
  await live.shows('#405060');
  const watched = new DesktopPage(await window.at(`/s/${live.sessionId}?watch=1`));
  await watched.shows('#405060');
  await desktop.run('xsetroot', '-solid', '#605040');
  await Promise.all([live.shows('#605040'), watched.shows('#605040')]);

  const answer = await fetch(new URL('/readyz', site.gateway.url));
  const readiness = (await answer.json()) as { readonly checks: Readonly<Record<string, string>> };
  assert.equal(readiness.checks['guacd'], 'ok');
  const { sessionId } = live;
  // Everything that moves has come to rest.
  await live.equals(watched);
  await watched.page.close();
  const session = await api.getSession({ params: { id: sessionId } });
  await api.endSession({ params: { id: sessionId }, body: { reason: 'seen enough' } });
  const recordingId = session.recordingId ?? '';
  await until(
    async () => (await api.verifyRecording({ params: { id: recordingId } })).code === 0,
    'the recording to verify',
  );
  const played = new DesktopPage(await window.at(`/r/${recordingId}`), '.player-desktop');
  await played.drawn();
  await played.page.keyboard.press('End');
  await played.shows('#605040');
  if (IMAGES !== undefined) await played.page.screenshot({ path: join(IMAGES, 'guacd-played.png') });

  const dump = await api.exportRecording({ params: { id: recordingId }, query: { format: 'surface' } });
  const text = Buffer.from(await dump.arrayBuffer()).toString();
  assert.match(text, /4\.sync,\d+\.\d+/u);
  assert.ok(!text.includes(desktop.password));
});

/** In the page: what is played is as loud as it is. */
declare global {
  var loudest: number | undefined;
}

/** After so many tones in vain the page is loaded anew: guacd on a busy machine may open a session before it knows who hears it. */
const TURNS = 20;

test('a machine over RDP is heard, live and played back, and its end is said in words when guacd dies', async () => {
  await using machine = await startXrdp({ backend: 'xorg' });
  await machine.run('xsetroot', '-solid', '#203040');
  const { api } = site.admin;
  const credential = await api.createCredential({
    body: { name: 'heard', kind: 'password', username: machine.username, secret: machine.password },
  });
  const targetId = await site.machine({
    ...{ name: 'heard', protocol: 'guacd', host: machine.host, port: machine.port, credentialId: credential.id },
    // xrdp may lose the memory that its X server draws in when the desktop is resized as it opens.
    parameters: { protocol: 'rdp', resizeDesktop: false, settings: ['ignore-cert=true', 'security=any'] },
  });
  await using window = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
  await window.context.addInitScript(() => {
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (...when) {
      if (this.context.state === 'running')
        for (const sample of this.buffer?.getChannelData(0) ?? [])
          globalThis.loudest = Math.max(globalThis.loudest ?? 0, Math.abs(sample));
      start.apply(this, when);
    };
  });
  const loudest = (page: DesktopPage): Promise<number> => page.page.evaluate(() => globalThis.loudest ?? 0);
  const live = new DesktopPage(await window.at(`/s/new?target=${targetId}`));
  const opened = async (): Promise<void> => {
    await live.page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
    await live.page.mouse.click(300, 250);
  };
  await opened();
  // One second of a tone at half of full scale.
  const tone = Int16Array.from(
    { length: 88_200 },
    (_, at) => 16_384 * Math.sin(((at >> 1) / 44_100) * 440 * 2 * Math.PI),
  );
  await until(async () => {
    for (let turn = 0; turn < TURNS; turn += 1) {
      await playOn(machine, new Uint8Array(tone.buffer));
      if ((await loudest(live)) > 0.45) return true;
    }
    await live.page.reload();
    await opened();
    return false;
  }, 'the tone');

  const { recordingId = '' } = await api.getSession({ params: { id: live.sessionId } });
  await guacd.kill();
  await live.page.getByRole('alert').filter({ hasText: 'guacd' }).waitFor();
  if (IMAGES !== undefined) await live.page.screenshot({ path: join(IMAGES, 'guacd-died.png') });
  // A process that guacd made for somebody else may hold its port a moment longer.
  await until(async () => {
    const answer = await fetch(new URL('/readyz', site.gateway.url));
    assert.equal(answer.status, 200, 'other machines need no guacd');
    const { checks } = (await answer.json()) as { readonly checks: Readonly<Record<string, string>> };
    return checks['guacd'] === 'TARGET_DISCONNECTED';
  }, 'the node to say that guacd is gone');

  await until(
    async () => (await api.verifyRecording({ params: { id: recordingId } })).code === 0,
    'the recording to verify',
  );
  const played = new DesktopPage(await window.at(`/r/${recordingId}`), '.player-desktop');
  const position = played.page.getByRole('slider', { name: 'Position' });
  await position.press('Home');
  await until(async () => (await loudest(played)) > 0.45, 'the tone, played back');
});
