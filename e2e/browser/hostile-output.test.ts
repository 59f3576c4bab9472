import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { AFTERMATH, CANARY, HOSTILE_OUTPUT } from '@enchilada/core/testing/hostile-output';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import type { BrowserWindow } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { openMachine, seatOf } from './seat.ts';

const SENTINEL = 'what the person had copied';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let recordingId: string | undefined;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

/** Everything by which a page could have reached beyond its screen. */
interface Reach {
  /** What went to the machine, by the session's data socket. */
  readonly typed: string[];
  readonly sockets: string[];
  readonly changes: string[];
  readonly events: string[];
}

function watch(window: BrowserWindow): Reach {
  const reach: Reach = { typed: [], sockets: [], changes: [], events: [] };
  window.context.on('page', (page) => {
    page.on('websocket', (socket) => {
      reach.sockets.push(socket.url());
      if (!socket.url().endsWith('/data')) return;
      socket.on('framesent', ({ payload }) => reach.typed.push(Buffer.from(payload).toString('latin1')));
    });
    page.on('dialog', (dialog) => {
      reach.events.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('download', (download) => reach.events.push(`download ${download.suggestedFilename()}`));
    page.on('popup', (popup) => reach.events.push(`popup ${popup.url()}`));
    page.on('framenavigated', (frame) => {
      if (!/\/(?:s|r)\//u.test(frame.url()) && frame.url() !== 'about:blank')
        reach.events.push(`navigation ${frame.url()}`);
    });
    page.on('request', (request) => {
      if (request.method() !== 'GET') reach.changes.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
  });
  return reach;
}

const clipboardOf = (page: Page): Promise<string> => page.evaluate(() => navigator.clipboard.readText());

test('a live session lets a hostile machine reach nothing beyond its screen', async () => {
  const corpus = join(sshd.directory, 'corpus');
  await writeFile(corpus, HOSTILE_OUTPUT.map(({ bytes }) => bytes + AFTERMATH).join(''), { mode: 0o644 });
  const targetId = await site.machineOn(sshd, { name: 'hostile-machine' });
  await using window = await seatOf(browser, site.admin);
  const reach = watch(window);
  const session = await openMachine(window, targetId);
  await session.ready();
  const title = await session.page.title();
  await session.page.evaluate((text) => navigator.clipboard.writeText(text), SENTINEL);
  // What the terminal answers is swallowed by `cat`, so that the shell is still there afterwards.
  await session.type(
    `stty raw -echo; cat ${corpus}; printf 'corpus-%d' 42; timeout 600 head -c 100000 > /dev/null; stty sane`,
  );
  await session.shows('corpus-42');
  const typed = reach.typed.join('');
  const answers = typed.slice(typed.lastIndexOf('stty sane') + 'stty sane\r'.length);
  assert.notEqual(answers, '', 'nothing was answered at all: the corpus was not drawn');
  for (const words of [CANARY, 'touch', '\r', '\n', 'http', SENTINEL])
    assert.equal(
      answers.includes(words),
      false,
      `${JSON.stringify(words)} was typed: ${JSON.stringify(answers.slice(0, 2_000))}`,
    );

  assert.match(
    answers,
    /^(?:\x1b\[[?>=]?[\d;]*\$?[a-zA-Z]|\x1bP[01]?[$+>]?[|r]?[^\x1b\r\n]{0,40}\x1b\\|\x1b\]\d{1,2};[\w:;/]{0,40}(?:\x07|\x1b\\))*$/u,
  );
  assert.equal(await clipboardOf(session.page), SENTINEL);
  assert.equal(await session.page.title(), title);
  assert.deepEqual(reach.events, []);
  assert.deepEqual(window.complaints(), []);
  assert.equal(await session.page.getByRole('dialog').count(), 0);

  await site.admin.api.endSession({ params: { id: session.sessionId }, body: {} });
  await session.end.getByRole('link', { name: 'Play recording' }).waitFor();
  const { api } = site.admin;
  const { recordingId: id } = await api.getSession({ params: { id: session.sessionId } });
  assert.ok(id);
  // Who looks is told first, and its recording is whole then.
  await until(async () => (await api.getRecording({ params: { id } })).recording.state === 'complete');
  recordingId = id;
});

test('its recording reaches nothing either, and takes no input', async () => {
  assert.ok(recordingId, 'the session above was not recorded');
  await using window = await seatOf(browser, site.admin);
  const reach = watch(window);
  // It stands at its beginning until everything is in place.
  const release = Promise.withResolvers<void>();
  await window.context.route(/\/events\?fromChunk=/u, async (route) => {
    await release.promise;
    await route.continue();
  });
  const page = await window.at(`/r/${recordingId}`);
  const play = page.getByRole('button', { name: 'Play', exact: true });
  await play.waitFor();
  const title = await page.title();
  await page.evaluate((text) => navigator.clipboard.writeText(text), SENTINEL);
  release.resolve();
  const screen = page.locator('.xterm-rows');
  await screen.filter({ hasText: 'corpus-42' }).waitFor();
  await play.waitFor();
  const shown = await screen.innerText();

  // A space would be the player's own: play.
  await page.locator('.xterm-screen').click();
  await page.keyboard.type('typed-into-a-recording');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+V');
  await page.locator('.xterm-helper-textarea').evaluate((field: HTMLTextAreaElement) => {
    field.focus();
    const data = new DataTransfer();
    data.setData('text/plain', 'pasted into a recording');
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    field.value = 'composed';
    field.dispatchEvent(new InputEvent('input', { data: 'composed', inputType: 'insertText', bubbles: true }));
  });
  assert.deepEqual(reach.sockets, [], 'a recording opens no way to a machine');
  assert.deepEqual(
    reach.changes.filter((words) => !words.endsWith('/verify')),
    [],
  );
  assert.deepEqual(reach.events, []);
  assert.equal(await clipboardOf(page), SENTINEL);
  assert.equal(await page.title(), title);
  assert.equal(await screen.innerText(), shown);
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.deepEqual(window.complaints(), []);
});
