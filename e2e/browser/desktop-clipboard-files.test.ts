import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import type { GrantAction } from '@enchilada/core/access';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { DesktopPage, until } from './desktop-page.ts';
import { flaws } from './flaws.ts';
import { docsPicture, picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const WINDOW = { size: { width: 1280, height: 800 } };
const GNOME = 'x-special/gnome-copied-files';
const picture = picturesIn('clipboard-files');
const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let folder: string;
let machines = 0;
let copies = 0;

before(async () => {
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  folder = await mkdtemp(join(tmpdir(), 'enchilada-clipboard-files-'));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
});
after(() => owned.disposeAsync());

async function machineOn(server: Xrdp, actions: readonly GrantAction[]): Promise<string> {
  const name = `windows ${++machines}`;
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name, kind: 'password', username: server.username, secret: server.password },
  });
  return site.machine({ name, protocol: 'rdp', host: server.host, port: server.port, credentialId }, [
    'connect',
    ...actions,
  ]);
}

/** As a file manager on the machine does when somebody presses Ctrl+C on these. Tells whether anybody has asked for them. */
async function copyOn(server: Xrdp, ...names: readonly string[]): Promise<() => Promise<boolean>> {
  const [list, said] = [join(folder, 'list'), join(folder, `said ${++copies}`)];
  await writeFile(list, ['copy', ...names.map((name) => `file://${join(folder, name)}`)].join('\n'));
  server.start('sh', '-c', `exec xclip -selection clipboard -t ${GNOME} -verbose -i '${list}' 2> '${said}'`);
  return async () => (await readFile(said, 'utf8').catch(() => '')).includes('request number 2');
}

async function transfersOf(sessionId: string) {
  const { items } = await site.admin.api.listAudit({ query: { limit: 500 } });
  return items
    .filter(({ action, detail }) => action === 'file.transferred' && detail?.['sessionId'] === sessionId)
    .map(({ outcome, detail }) => [
      outcome,
      detail?.['direction'],
      detail?.['path'],
      detail?.['size'],
      detail?.['sha256'],
    ]);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('files go by the clipboard, both ways, and are in the audit log and in no picture of the recording', async (t) => {
  await using server = await startXrdp({ backend: 'xorg', home: true });
  await server.run('xsetroot', '-solid', '#204060');
  const [report, notes] = [randomBytes(1_500_003), Buffer.from('otters\n')];
  await writeFile(join(folder, 'report.bin'), report);
  await writeFile(join(folder, 'notes.txt'), notes);
  const id = await machineOn(server, ['file-in', 'file-out']);
  await using own = await seatOf(browser, site.admin, WINDOW);
  // With Xorg, xrdp 0.9 may lose the memory that it draws in when a desktop is resized.
  await own.context.addInitScript(() => {
    if (location.protocol === 'http:') localStorage.setItem('enchilada-desktop', '{"resize":false}');
  });
  const live = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  const { page, sessionId } = live;

  const noticed = page.getByRole('alert').filter({ hasText: '2 files were copied on the machine' });
  // xrdp misses what is copied before its clipboard is up. Once it has asked, its word is on the way, and nothing may be copied again.
  await until(async () => {
    const isHeardOf = await copyOn(server, 'report.bin', 'notes.txt');
    for (let looks = 0; looks < 60 && !(await isHeardOf()); looks += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return isHeardOf();
  }, 'xrdp to hear of the copied files');
  await noticed.waitFor();
  await page.getByRole('button', { name: 'Files on the clipboard' }).click();
  const panel = page.getByRole('complementary', { name: 'Files on the clipboard' });
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'Download report.bin' }).click(),
  ]);
  assert.equal(saved.suggestedFilename(), 'report.bin');
  assert.ok((await readFile(await saved.path())).equals(report));
  await panel.getByText('Done · 1.4 MiB').waitFor();
  const [small] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'Download notes.txt' }).press('Enter'),
  ]);
  assert.ok((await readFile(await small.path())).equals(notes));
  const downloads = [
    ['success', 'download', 'notes.txt', notes.length, sha256(notes)],
    ['success', 'download', 'report.bin', report.length, sha256(report)],
  ];
  await until(async () => (await transfersOf(sessionId)).length === 2, 'the audit log');
  assert.deepEqual(
    (await transfersOf(sessionId)).toSorted((a, b) => (String(a[2]) < String(b[2]) ? -1 : 1)),
    downloads,
  );
  await picture(page, 'copied');

  if (existsSync('/dev/fuse')) {
    const brought = randomBytes(700_001);
    await panel
      .locator('input[type=file]')
      .setInputFiles({ name: 'größe.bin', mimeType: 'application/octet-stream', buffer: brought });
    await panel.getByText('Open a folder there and paste them with Ctrl+V').waitFor();
    await docsPicture(page, 'desktop-clipboard-files');
    await picture(page, 'offered');
    let path = '';
    await until(async () => {
      const list = await server.run('xclip', '-selection', 'clipboard', '-t', GNOME, '-o').catch(() => '');
      path = decodeURIComponent(/file:\/\/(?<path>[^\r\n]+)/u.exec(list)?.groups?.['path'] ?? '');
      return path !== '';
    }, 'files on the machine’s clipboard');
    await server.run('cp', path, join(folder, 'pasted.bin'));
    assert.ok((await readFile(join(folder, 'pasted.bin'))).equals(brought));
    await panel.getByText('Pasted · 683.6 KiB').waitFor();
    await until(async () => (await transfersOf(sessionId)).length === 3, 'the audit log');
    assert.ok(
      (await transfersOf(sessionId)).some(
        ([outcome, direction, , size, hash]) =>
          outcome === 'success' && direction === 'upload' && size === brought.length && hash === sha256(brought),
      ),
    );
  } else t.diagnostic('without /dev/fuse xrdp pastes no files: that way is proved against a stand-in alone');

  assert.deepEqual(await flaws(page, 'all'), []);
  await page.setViewportSize(PHONE);
  assert.deepEqual(await flaws(page, 'all'), []);
  await picture(page, 'phone');
  await panel.getByRole('button', { name: 'Close' }).click();
  await panel.waitFor({ state: 'hidden' });

  await page.setViewportSize(WINDOW.size);
  await server.run('xsetroot', '-solid', '#336699');
  await live.isAll('#336699');
  await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
  await page.getByRole('alert').waitFor();
  const last = await live.pixels();
  const recordingId = await site.recordingOf(sessionId);
  const played = new DesktopPage(await own.at(`/r/${recordingId}`), '.player-desktop');
  await until(async () => (await played.pixels()) === last, 'the last picture, played back');
  const response = await site.admin.api.streamRecording({ params: { id: recordingId }, query: {} });
  let names: readonly string[] = [];
  for (const { event } of new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()))) {
    if (event.kind === 'file') names = [...names, event.name];
    if (event.kind !== 'output') continue;
    const shown = Buffer.from(event.bytes);
    assert.ok(!shown.includes(report.subarray(0, 64)) && !shown.includes(notes));
    assert.ok(!shown.includes(Buffer.from('notes.txt', 'utf16le')));
  }
  assert.deepEqual(names.slice(0, 2), ['report.bin', 'notes.txt']);
  assert.deepEqual(own.complaints(), []);
});

test('files that are dropped on the desktop are offered, and who may move none is offered nothing', async () => {
  await using server = await startXrdp({ backend: 'xorg' });
  await server.run('xsetroot', '-solid', '#204060');
  await using own = await seatOf(browser, site.admin, WINDOW);
  const file = join(folder, 'dropped.txt');
  await writeFile(file, 'otters');
  const drop = async ({ page }: DesktopPage): Promise<void> => {
    const chromium = await page.context().newCDPSession(page);
    const data = { items: [], files: [file], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await chromium.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
  };
  const may = await new DesktopPage(await own.at(`/s/new?target=${await machineOn(server, ['file-in'])}`)).connected();
  await drop(may);
  const panel = may.page.getByRole('complementary', { name: 'Files on the clipboard' });
  await panel.getByText('dropped.txt').waitFor();
  assert.equal(await panel.getByRole('heading', { name: 'Copied on the machine' }).count(), 0);
  await panel.getByRole('button', { name: 'Take them back' }).click();
  await panel.getByText('dropped.txt').waitFor({ state: 'detached' });
  await site.admin.api.endSession({ params: { id: may.sessionId }, body: {} });
  await may.page.getByRole('alert').waitFor();

  const id = await machineOn(server, ['clipboard-in', 'clipboard-out']);
  const none = await new DesktopPage(await own.at(`/s/new?target=${id}`)).connected();
  await drop(none);
  await none.page.getByRole('button', { name: 'More' }).click();
  await none.page.getByRole('menuitem', { name: 'Paste to the machine’s clipboard' }).waitFor();
  assert.equal(await none.page.getByRole('button', { name: 'Files on the clipboard' }).count(), 0);
  assert.equal(await none.page.getByText('dropped.txt').count(), 0);
  assert.deepEqual(own.complaints(), []);
});
