import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import type { Download, JSHandle, Page, Route } from 'playwright-core';
import { DesktopPage } from './desktop-page.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

const { site, browser } = await siteAndChromium();

const MIDDLE = { x: 400, y: 300 };

type Colour = readonly number[];

/** A film in the browser's own player. */
class Film {
  readonly #video: JSHandle<HTMLVideoElement>;
  readonly size: string;
  readonly seconds: number;

  private constructor(video: JSHandle<HTMLVideoElement>, { size, seconds }: Pick<Film, 'size' | 'seconds'>) {
    this.#video = video;
    this.size = size;
    this.seconds = seconds;
  }

  static async open(page: Page, file: Buffer): Promise<Film> {
    const video = await page.evaluateHandle(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const player = document.createElement('video');
      player.muted = true;
      await new Promise((resolve, reject) => {
        player.addEventListener('loadeddata', resolve, { once: true });
        player.addEventListener('error', () => reject(new Error(player.error?.message ?? 'no film')), { once: true });
        player.src = URL.createObjectURL(new Blob([bytes], { type: 'video/webm' }));
      });
      return player;
    }, file.toString('base64'));
    const told = await video.evaluate(({ videoWidth, videoHeight, duration }) => ({
      size: `${videoWidth}x${videoHeight}`,
      seconds: duration,
    }));
    return new Film(video, told);
  }

  seek(seconds: number): Promise<void> {
    return this.#video.evaluate(async (player, moment) => {
      const there = new Promise((resolve) => player.addEventListener('seeked', resolve, { once: true }));
      player.currentTime = moment;
      await there;
    }, seconds);
  }

  /** In the middle of the picture. Right after a seek it may still be the picture before. */
  colour(): Promise<Colour> {
    return this.#video.evaluate((player) => {
      const { videoWidth: width, videoHeight: height } = player;
      const context = new OffscreenCanvas(width, height).getContext('2d');
      context?.drawImage(player, 0, 0);
      return [...(context?.getImageData(width / 2, height / 2, 1, 1).data ?? [])].slice(0, 3);
    });
  }
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

function isNear(colour: Colour, wanted: Colour): boolean {
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
    const film = await Film.open(page, await readFile(await download.path()));
    assert.equal(film.size, size);
    const { durationMs } = await recorded();
    assert.ok(Math.abs(film.seconds * 1000 - durationMs) <= 200, `${film.seconds} s`);
    const colours: Colour[] = [];
    for (let share = 0; share < 20; share++) {
      await film.seek((film.seconds * share) / 20);
      colours.push(await film.colour());
    }
    const [blue, orange] = [
      [0x20, 0x40, 0x60],
      [0xc0, 0x60, 0x20],
    ] as const;
    const before = colours.findIndex((colour) => isNear(colour, blue));
    assert.ok(before >= 0, colours.join('; '));
    assert.ok(!colours.slice(0, before).some((colour) => isNear(colour, orange)), colours.join('; '));
    // The last picture may have come at the very end.
    await film.seek(film.seconds);
    await until(async () => isNear(await film.colour(), orange));
    const { items } = await site.admin.api.listAudit({ query: { limit: 50 } });
    assert.ok(items.some(({ action }) => action === 'recording.exported'));
    assert.deepEqual(own.complaints(), []);
  });
}
