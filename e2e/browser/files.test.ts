import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { DesktopPage } from './desktop-page.ts';
import { flaws } from './flaws.ts';
import { openMachine, seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let folder: string;
let targetId: string;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  folder = join(sshd.directory, 'files');
  await mkdir(folder);
  await chmod(folder, 0o777);
  targetId = await site.machineOn(sshd, { name: 'files-machine' });
  const { user } = await site.admin.api.getMe();
  await site.admin.api.createGrant({
    body: {
      subject: { kind: 'user', id: user.id },
      scope: { kind: 'target', id: targetId },
      actions: ['connect', 'file-in', 'file-out'],
    },
  });
});
after(() => owned.disposeAsync());

/** A live session with its files panel open on the test's folder. */
async function openFiles(own: Awaited<ReturnType<typeof seatOf>>): Promise<Page> {
  const { page } = await (await openMachine(own, targetId)).connected();
  const tip = page.getByRole('button', { name: 'Got it' });
  if (await tip.isVisible()) await tip.click();
  await page.getByRole('button', { name: 'Files', exact: true }).click();
  const panel = page.getByRole('complementary', { name: 'Files' });
  await panel.getByRole('navigation', { name: 'Path' }).waitFor();
  await panel.getByRole('button', { name: '/', exact: true }).click();
  for (const name of folder.split('/').filter((part) => part !== '')) {
    // A folder may hold more than is shown at once.
    await panel.getByRole('textbox', { name: 'Search in this folder' }).fill(name);
    await panel.getByRole('button', { name: `${name} folder`, exact: true }).click();
    await panel.getByRole('navigation').getByRole('button', { name, exact: true }).waitFor();
  }
  return page;
}

test('a person sends, fetches, edits, renames and deletes files beside the terminal', async () => {
  const content = randomBytes(20_000_003);
  await writeFile(join(folder, 'fetched.bin'), content, { mode: 0o644 });
  await writeFile(join(folder, 'note.txt'), 'first line\n', { mode: 0o666 });
  await chmod(join(folder, 'note.txt'), 0o666);
  await using own = await seatOf(browser, site.admin);
  const page = await openFiles(own);
  const panel = page.getByRole('complementary', { name: 'Files' });
  await panel.getByRole('button', { name: 'note.txt file' }).waitFor();

  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'fetched.bin file' }).click(),
  ]);
  assert.equal(saved.suggestedFilename(), 'fetched.bin');
  assert.ok((await readFile(await saved.path())).equals(content));

  await panel
    .locator('input[type=file]')
    .first()
    .setInputFiles({ name: 'größe.bin', mimeType: 'application/octet-stream', buffer: content });
  await panel.getByText(/^Done/u).nth(1).waitFor();
  assert.ok((await readFile(join(folder, 'größe.bin'))).equals(content));
  await panel.getByRole('button', { name: 'größe.bin file' }).waitFor();

  await panel.getByRole('button', { name: 'Actions for note.txt' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  const editor = page.getByRole('textbox', { name: 'Content' });
  await editor.fill('second line\n');
  await page.getByRole('button', { name: 'Save' }).click();
  await editor.waitFor({ state: 'detached' });
  assert.equal(await readFile(join(folder, 'note.txt'), 'utf8'), 'second line\n');

  await panel.getByRole('button', { name: 'Actions for note.txt' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('renamed.txt');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await panel.getByRole('button', { name: 'renamed.txt file' }).waitFor();

  await panel.getByRole('button', { name: 'Actions for renamed.txt' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await panel.getByRole('button', { name: 'renamed.txt file' }).waitFor({ state: 'detached' });
  assert.deepEqual((await readdir(folder)).toSorted(), ['fetched.bin', 'größe.bin']);

  // Sent again it meets its own name, and is replaced only when that is said.
  await panel
    .locator('input[type=file]')
    .first()
    .setInputFiles({ name: 'größe.bin', mimeType: 'application/octet-stream', buffer: Buffer.from('new') });
  await panel.getByRole('alert').filter({ hasText: 'Something has this name already' }).waitFor();
  await panel.getByRole('button', { name: 'Replace größe.bin' }).click();
  await panel.getByText('Done · 3 B').waitFor();
  assert.equal(await readFile(join(folder, 'größe.bin'), 'utf8'), 'new');

  const unexpected = own
    .complaints()
    .filter((words) => !/^(?:401 GET \/api\/v1\/me|409 PUT .*\/files\/content)$/u.test(words));
  assert.deepEqual(unexpected, []);

  await page.setViewportSize(PHONE);
  await panel.getByRole('button', { name: 'Close' }).waitFor();
  await panel.getByRole('button', { name: 'Close' }).click();
  await panel.waitFor({ state: 'hidden' });
});

test('the panel stands beside a desktop with the files of the machine that it names, on a phone too', async () => {
  await writeFile(join(folder, 'beside.txt'), 'beside a desktop', { mode: 0o644 });
  await using desktop = await startXvnc({ geometry: '900x600', securityTypes: 'None' });
  await desktop.run('xsetroot', '-solid', '#203040');
  const { host, port } = desktop;
  const desktopId = await site.machine({
    ...{ name: 'desktop-machine', protocol: 'vnc', host, port, filesTargetId: targetId },
    parameters: { allowCleartext: true },
  });
  await using own = await seatOf(browser, site.admin, { size: { width: 1280, height: 800 }, touch: true });
  const { page } = await new DesktopPage(await own.at(`/s/new?target=${desktopId}`)).connected();
  await page.getByRole('button', { name: 'Files', exact: true }).click();
  const panel = page.getByRole('complementary', { name: 'Files' });
  await panel.getByRole('heading', { name: 'Files of files-machine' }).waitFor();
  await panel.getByRole('button', { name: '/', exact: true }).click();
  for (const name of folder.split('/').filter((part) => part !== '')) {
    await panel.getByRole('textbox', { name: 'Search in this folder' }).fill(name);
    await panel.getByRole('button', { name: `${name} folder`, exact: true }).click();
    await panel.getByRole('navigation').getByRole('button', { name, exact: true }).waitFor();
  }
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'beside.txt file' }).click(),
  ]);
  assert.equal(await readFile(await saved.path(), 'utf8'), 'beside a desktop');
  const [drawn, beside] = [await page.locator('.desktop-host').boundingBox(), await panel.boundingBox()];
  assert.ok(drawn !== null && beside !== null && drawn.x + drawn.width <= beside.x, 'the panel covers the desktop');

  await page.setViewportSize(PHONE);
  assert.deepEqual(await flaws(page, 'geometry'), []);
  await panel.getByRole('button', { name: 'Close' }).click();
  await panel.waitFor({ state: 'hidden' });
  const unexpected = own.complaints().filter((words) => words !== '401 GET /api/v1/me');
  assert.deepEqual(unexpected, []);
});
