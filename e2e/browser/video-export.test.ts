import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import type { Download, Page, Route } from 'playwright-core';
import { DesktopPage } from './desktop-page.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

const { site, browser } = await siteAndChromium();

const MIDDLE = { x: 400, y: 300 };

interface Film {
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
  /** Red, green and blue in the middle of the picture, at moments from the beginning to the end. */
  readonly colours: readonly (readonly number[])[];
}

/** Plays a file in the browser's own player. */
function watch(page: Page, file: Buffer): Promise<Film> {
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const video = document.createElement('video');
    video.muted = true;
    const after = (event: string): Promise<void> =>
      new Promise((resolve, reject) => {
        video.addEventListener(event, () => resolve(), { once: true });
        video.addEventListener('error', () => reject(new Error(video.error?.message ?? 'no film')), { once: true });
      });
    const loaded = after('loadeddata');
    video.src = URL.createObjectURL(new Blob([bytes], { type: 'video/webm' }));
    await loaded;
    const { videoWidth: width, videoHeight: height, duration: seconds } = video;
    const canvas = new OffscreenCanvas(width, height);
    const colourAt = async (time: number): Promise<readonly number[]> => {
      const there = after('seeked');
      video.currentTime = time;
      await there;
      const context = canvas.getContext('2d');
      context?.drawImage(video, 0, 0);
      return [...(context?.getImageData(width / 2, height / 2, 1, 1).data ?? [])].slice(0, 3);
    };
    const colours: (readonly number[])[] = [];
    for (let share = 0; share <= 20; share++) colours.push(await colourAt((seconds * share) / 20));
    return { width, height, seconds, colours };
  }, file.toString('base64'));
}

/** Begins an export and gives it up while the recording is on its way: nothing of it is left, and nothing is saved. */
async function cancelled(page: Page): Promise<void> {
  const address = /\/recordings\/[^/]+\/export/u;
  const saved: string[] = [];
  const note = (download: Download): void => void saved.push(download.suggestedFilename());
  page.on('download', note);
  const asked = Promise.withResolvers<Route>();
  await page.route(address, (route) => asked.resolve(route));
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByRole('menuitem', { name: 'Video (WebM)' }).click();
  const dialog = page.getByRole('dialog');
  // At its beginning the bar has no width.
  await dialog.getByRole('progressbar').waitFor({ state: 'attached' });
  const held = await asked.promise;
  const stages = page.locator('body > div[inert][style*="-10000px"]');
  await stages.waitFor({ state: 'attached' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  await stages.waitFor({ state: 'detached' });
  // What it asked for comes all the same, and nobody makes a film of it.
  await held.continue().catch(() => undefined);
  await page.unroute(address);
  page.off('download', note);
  assert.deepEqual(saved, []);
}

function isNear(colour: readonly number[], wanted: readonly number[]): boolean {
  return wanted.every((value, index) => Math.abs(value - (colour[index] ?? -100)) <= 12);
}

for (const [protocol, start] of [
  ['rdp', () => startXrdp({ geometry: '800x600' })],
  ['vnc', () => startXvnc({ geometry: '800x600' })],
] as const) {
  test(`the recording of a desktop is exported as a video that shows what was shown (${protocol})`, async () => {
    await using server = await start();
    await server.run('xsetroot', '-solid', '#204060');
    const { id: credentialId } = await site.admin.api.createCredential({
      body: {
        name: protocol,
        kind: 'password',
        username: protocol === 'rdp' ? 'otter' : '',
        secret: server.password,
      },
    });
    const { host, port } = server;
    const parameters = { resizeDesktop: false };
    const id = await site.machine({ name: protocol, protocol, host, port, credentialId, parameters });
    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
    await live.shows('#204060', MIDDLE);
    const size = await live.size();
    // The moment in between is what makes a video longer than a picture.
    await live.page.waitForTimeout(1500);
    await server.run('xsetroot', '-solid', '#c06020');
    // A machine draws its desktop piece by piece.
    await live.shows('#c06020', MIDDLE);
    const { sessionId } = live;
    await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
    await live.page.getByRole('alert').waitFor();
    const { recordingId } = await site.admin.api.getSession({ params: { id: sessionId } });
    assert.ok(recordingId);
    // Who looks is told first, and its recording is whole then.
    const recorded = async () => (await site.admin.api.getRecording({ params: { id: recordingId } })).recording;
    await until(async () => (await recorded()).state === 'complete');

    const page = await own.at(`/r/${recordingId}`);
    await page.getByRole('button', { name: /^Verified/ }).waitFor();
    await cancelled(page);
    await page.getByRole('button', { name: 'Export' }).click();
    const downloading = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'Video (WebM)' }).click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), `${recordingId}.webm`);
    const film = await watch(page, await readFile(await download.path()));
    assert.equal(`${film.width}x${film.height}`, size);
    const { durationMs } = await recorded();
    assert.ok(Math.abs(film.seconds * 1000 - durationMs) <= 200, `${film.seconds} s`);
    const [before, after] = [
      film.colours.findIndex((colour) => isNear(colour, [0x20, 0x40, 0x60])),
      film.colours.findIndex((colour) => isNear(colour, [0xc0, 0x60, 0x20])),
    ];
    assert.ok(before >= 0 && before < after, film.colours.join('; '));
    assert.ok(isNear(film.colours.at(-1) ?? [], [0xc0, 0x60, 0x20]), 'the last picture');
    const { items } = await site.admin.api.listAudit({ query: { limit: 50 } });
    assert.ok(items.some(({ action }) => action === 'recording.exported'));
    assert.deepEqual(own.complaints(), []);
  });
}
