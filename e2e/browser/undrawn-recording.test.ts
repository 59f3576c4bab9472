import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingStreamDecoder, RecordingStreamEncoder } from '@enchilada/contract';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import type { Page, Route } from 'playwright-core';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';
import { trapDecoders } from './trapping-decoder.ts';

const { site, browser } = await siteAndChromium();

const [BEFORE, AFTER] = ['#204060', '#c06020'] as const;
const MIDDLE = { x: 400, y: 300 };
/** No message of either protocol: a TPKT around nothing that is known, and 255 is no type of RFB. */
const POISON = { rdp: Uint8Array.of(3, 0, 0, 9, 2, 0xf0, 0x80, 0xff, 0xff), vnc: Uint8Array.of(255) } as const;

/** What a decoder cannot read, in the middle of the longest pause of the recording. */
function poisoned(stream: Uint8Array, poison: Uint8Array): Buffer {
  const events = new RecordingStreamDecoder().push(stream);
  const outputs = events.flatMap((timed, index) => (timed.event.kind === 'output' ? [{ timed, index }] : []));
  let [longest, cut] = [0, 0];
  for (const [at, { timed, index }] of outputs.entries()) {
    const pause = timed.atUs - (outputs[at - 1]?.timed.atUs ?? timed.atUs);
    if (pause > longest) [longest, cut] = [pause, index];
  }
  const behind = events[cut];
  assert.ok(behind?.event.kind === 'output');
  const bad = { ...behind, event: { ...behind.event, bytes: poison } };
  const encoder = new RecordingStreamEncoder();
  const parts = [encoder.start()];
  for (const timed of events.toSpliced(cut, 0, bad)) parts.push(encoder.add(timed) ?? new Uint8Array());
  parts.push(encoder.flush() ?? new Uint8Array(), encoder.end());
  return Buffer.concat(parts);
}

/** As after a bug in the decoder: it traps once it was given the poison. */
async function trapOn(page: Page): Promise<void> {
  await trapDecoders(page);
  await page.addInitScript(() => {
    globalThis.MessageEvent = new Proxy(MessageEvent, {
      construct(target, given: [string, MessageEventInit?]) {
        const data: unknown = given[1]?.data;
        if (data instanceof ArrayBuffer && data.byteLength === 9 && new Uint8Array(data)[8] === 0xff)
          Object.assign(globalThis, { decoderTraps: true });
        return new target(...given);
      },
    });
  });
}

for (const [protocol, start, traps] of [
  ['rdp', () => startXrdp({ geometry: '800x600' }), false],
  ['rdp', () => startXrdp({ geometry: '800x600' }), true],
  ['vnc', () => startXvnc({ geometry: '800x600' }), false],
] as const) {
  const how = traps ? 'whose decoder crashes' : 'that its decoder cannot read to the end';
  test(`a recording ${how} says so where it stops, and becomes no video (${protocol})`, async () => {
    await using server = await start();
    await server.run('xsetroot', '-solid', BEFORE);
    const name = `${protocol} ${how}`;
    const { id: credentialId } = await site.admin.api.createCredential({
      body: { name, kind: 'password', username: protocol === 'rdp' ? 'otter' : '', secret: server.password },
    });
    const { host, port } = server;
    const parameters = { resizeDesktop: false };
    const id = await site.machine({ name, protocol, host, port, credentialId, parameters });
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    await live.shows(BEFORE, MIDDLE);
    // The pause is what is looked for in the recording: nothing is drawn in it.
    await live.page.waitForTimeout(3000);
    await server.run('xsetroot', '-solid', AFTER);
    await live.shows(AFTER, MIDDLE);
    const { sessionId } = live;
    await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
    await live.page.getByRole('alert').waitFor();
    const recordingId = await site.recordingOf(sessionId);

    const page = await own.context.newPage();
    if (traps) await trapOn(page);
    const poison = async (route: Route): Promise<void> => {
      const response = await route.fetch();
      await route.fulfill({ response, body: poisoned(await response.body(), POISON[protocol]) });
    };
    await page.route(/\/recordings\/[^/]+\/(?:events|export)\b/u, poison);
    await page.goto(new URL(`/r/${recordingId}`, site.admin.url).href);
    const played = new DesktopPage(page, '.player-desktop');
    const notice = page.getByRole('alert').filter({ hasText: 'The picture cannot be shown from' });
    await notice.waitFor();
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await page.getByRole('button', { name: /^Verified/ }).waitFor();
    const whole = notice.getByRole('link', { name: 'Sealed recording for verification' });
    assert.match((await whole.getAttribute('href')) ?? '', new RegExp(`/recordings/${recordingId}/`, 'u'));
    // What was drawn last is not to be taken for what was shown.
    const top = await page.evaluate(() => document.elementFromPoint(60, innerHeight / 2)?.closest('.player-desktop'));
    assert.equal(top, null);

    const position = page.getByRole('slider', { name: 'Position' });
    await position.focus();
    await position.press('Home');
    await notice.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    if (traps) await notice.getByText('load the page again, then choose').waitFor();
    else {
      await until(async () => (await played.colourAt(MIDDLE.x, MIDDLE.y)) === BEFORE, 'what came before');
      await notice.getByText('choose another moment on the timeline, or load').waitFor();
    }

    const saved: string[] = [];
    page.on('download', (download) => void saved.push(download.suggestedFilename()));
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name: 'Video (WebM)' }).click();
    await page.getByRole('dialog').getByRole('alert').filter({ hasText: 'No video was made' }).waitFor();
    assert.deepEqual(saved, []);

    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.unroute(/\/recordings\/[^/]+\/(?:events|export)\b/u);
    await notice.getByRole('button', { name: 'Load the page again' }).click();
    await until(async () => (await played.colourAt(MIDDLE.x, MIDDLE.y)) === AFTER, 'all of it');
    assert.equal(await notice.count(), 0);
  });
}
