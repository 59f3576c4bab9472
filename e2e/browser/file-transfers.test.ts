import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CDPSession, Locator, Page } from 'playwright-core';
import { eventually } from '../cluster/people.ts';
import { DESKTOP, PHONE } from '../fixtures/chromium.ts';
import { FilesPlace } from './files-place.ts';
import { flaws } from './flaws.ts';
import { picturesIn } from './pictures.ts';

const picture = picturesIn('files');
let setting: FilesPlace;
before(async () => {
  setting = await FilesPlace.start();
});
after(() => setting[Symbol.asyncDispose]());
const place: FilesPlace['at'] = (...where) => setting.at(...where);

/** Drops what lies on the person's disk on the panel, as their hand does. */
async function drop(page: Page, on: Locator, files: readonly string[]): Promise<void> {
  const box = await on.boundingBox();
  assert.ok(box !== null);
  const devtools = await page.context().newCDPSession(page);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', {
      type,
      ...at,
      data: { items: [], files: [...files], dragOperationsMask: 1 },
    });
  await devtools.detach();
}

/** Bytes a second that the browser's network takes in each direction. */
function pace(devtools: CDPSession, bytesPerSecond: number): Promise<unknown> {
  return devtools.send('Network.emulateNetworkConditions', {
    ...{ offline: false, latency: 0, downloadThroughput: bytesPerSecond, uploadThroughput: bytesPerSecond },
  });
}
/** How many downloads wait in the browser's own storage. */
function keptBy(page: Page): Promise<number> {
  return page.evaluate(async () => {
    let count = 0;
    for await (const name of (await navigator.storage.getDirectory()).keys())
      // Chromium has a second file for what a writer has not closed.
      if (name.startsWith('download-') && !name.endsWith('.crswap')) count++;
    return count;
  });
}

const LETTERS = 'abcdefgh';
const UNLIMITED = -1;
/** Minutes for one of these files, so that what is to happen on the way does. */
const [SLOW, LARGE] = [100_000, 15_000_000];
const UNDER_WAY = /of .*B · .*\/s · \d+ (?:s|min) left/u;

test('a folder goes to the machine by drag and drop and comes back as it was, without what links lead to', () =>
  place('dropped', async (panel, folder) => {
    const content = {
      'größe 日本.bin': randomBytes(300_000),
      empty: Buffer.alloc(0),
      "it's $HOME; `x`": Buffer.from('odd'),
    };
    const sent = join(setting.own, 'Projekt');
    await mkdir(join(sent, 'inner', 'innermost'), { recursive: true });
    for (const [name, bytes] of Object.entries(content)) {
      await writeFile(join(sent, name), bytes);
      await writeFile(join(sent, 'inner', 'innermost', name), bytes);
    }
    await mkdir(join(sent, 'nothing', 'at all'), { recursive: true });
    await mkdir(join(setting.own, 'alone'));
    await drop(panel.page, panel.root, [sent, join(setting.own, 'alone')]);
    await panel.says('Projekt', /^Done · 6 files · /u);
    await panel.says('alone', /^Done · 0 files · /u);
    await panel.finished(2);
    for (const empty of ['Projekt/nothing/at all', 'alone'])
      assert.deepEqual(await readdir(join(folder, empty)), [], empty);
    await panel.entry('alone folder').waitFor();
    for (const [name, bytes] of Object.entries(content)) {
      assert.ok((await readFile(join(folder, 'Projekt', name))).equals(bytes), name);
      assert.ok((await readFile(join(folder, 'Projekt', 'inner', 'innermost', name))).equals(bytes), name);
    }

    await symlink('..', join(folder, 'Projekt', 'inner', 'circle'));
    await symlink('/etc/passwd', join(folder, 'Projekt', 'passwd'));
    await panel.root.getByRole('button', { name: 'Clear finished' }).click();
    await panel.act('Projekt', 'Download');
    await panel.says('Projekt', /^Done · 6 files · /u);
    await panel.finished(1);
    const came = await panel.page.evaluate(async () => {
      const found: Record<string, string> = {};
      const walk = async (folder: FileSystemDirectoryHandle, path: string): Promise<void> => {
        for await (const [name, handle] of folder.entries()) {
          if (handle instanceof FileSystemDirectoryHandle) await walk(handle, `${path}${name}/`);
          else {
            const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
            found[path + name] = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
          }
        }
      };
      await walk(await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen'), '');
      return found;
    });
    const expected = Object.entries(content).flatMap(([name, bytes]) =>
      ['', 'inner/innermost/'].map((path) => [`Projekt/${path}${name}`, bytes.toString('hex')] as const),
    );
    assert.deepEqual(came, Object.fromEntries(expected));
  }));

test('a folder that is fetched touches nothing of the person’s own, whatever becomes of its files', () =>
  place('beside', async (panel, folder) => {
    const { page } = panel;
    const remote = join(folder, 'Projekt');
    await mkdir(remote);
    const large = randomBytes(LARGE);
    for (const name of ['notes.txt', 'a:b', 'a_b']) await writeFile(join(remote, name), `of the machine: ${name}`);
    for (const name of ['cancelled.bin', 'kept.bin']) await writeFile(join(remote, name), large);
    await chmod(join(remote, 'notes.txt'), 0o600);
    await page.evaluate(async () => {
      const chosen = await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true });
      const projekt = await chosen.getDirectoryHandle('Projekt', { create: true });
      for (const name of ['notes.txt', 'a_b', 'cancelled.bin', 'kept.bin']) {
        const disk = await (await projekt.getFileHandle(name, { create: true })).createWritable();
        await disk.write('own');
        await disk.close();
      }
    });
    const lies = (): Promise<Record<string, string>> =>
      page.evaluate(async () => {
        const found: Record<string, string> = {};
        const walk = async (here: FileSystemDirectoryHandle, path: string): Promise<void> => {
          for await (const [name, handle] of here.entries())
            if (handle instanceof FileSystemDirectoryHandle) await walk(handle, `${path}${name}/`);
            // Chromium has a second file for what a writer has not closed.
            else if (!name.endsWith('.crswap')) {
              const bytes = await crypto.subtle.digest('SHA-256', await (await handle.getFile()).arrayBuffer());
              found[path + name] = Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join(
                '',
              );
            }
        };
        await walk(await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen'), '');
        return found;
      });
    const of = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
    const before = await lies();

    await panel.root.getByRole('button', { name: 'Load again' }).click();
    const devtools = await page.context().newCDPSession(page);
    await pace(devtools, SLOW);
    await panel.act('Projekt', 'Download');
    await page.getByText('The download of Projekt goes into a new folder “Projekt (2)”.').waitFor();
    await panel.button('Single files of Projekt').click();
    for (const name of ['cancelled.bin', 'kept.bin']) await panel.says(name, UNDER_WAY);
    await panel.button('Remove cancelled.bin from the list').click();
    await panel.row('cancelled.bin').waitFor({ state: 'detached' });
    await panel.button('Pause kept.bin').click();
    await panel.says('kept.bin', /^Paused/u);
    await pace(devtools, UNLIMITED);
    await panel.says('notes.txt', /^This is not permitted/u);
    await panel.button('Remove notes.txt from the list').click();
    await panel.button('Go on with kept.bin').click();
    await panel.says('Projekt', /^Done · 3 files · /u);
    await panel.finished(4);
    const after = await lies();
    const came = Object.entries(after).filter(([name]) => !name.startsWith('Projekt/'));
    assert.deepEqual(Object.fromEntries(Object.entries(after).filter(([name]) => name.startsWith('Projekt/'))), before);
    assert.deepEqual(came.map(([name]) => name).toSorted(), [
      ...['Projekt (2)/a_b', 'Projekt (2)/a_b (2)', 'Projekt (2)/kept.bin'],
    ]);
    assert.deepEqual(
      new Set(came.map(([, digest]) => digest)),
      new Set([of(large), of('of the machine: a:b'), of('of the machine: a_b')]),
    );
  }));

test('a folder in which one may not be read comes without that one, which is named with its reason, and can be tried again', () =>
  place('unread', async (panel, folder) => {
    const { page, root } = panel;
    const holding = {
      first: 'Projekt/first',
      locked: 'Projekt/locked',
      last: 'Projekt/last',
      all: 'Projekt',
      other: 'Projekt 2',
    };
    await mkdir(join(folder, 'Closed'));
    for (const [name, inside] of Object.entries(holding)) {
      await mkdir(join(folder, inside), { recursive: true });
      await writeFile(join(folder, inside, `${name}.txt`), `of ${name}`);
    }
    for (const closed of ['Closed', 'Projekt/locked']) await chmod(join(folder, closed), 0);
    await root.getByRole('button', { name: 'Load again' }).click();
    await root.getByRole('checkbox', { name: 'Select everything shown' }).click();
    await root.getByRole('group', { name: 'Selection' }).getByRole('button', { name: 'Download' }).click();
    await panel.says('Projekt', /^3 of 3 files · .* · 1 folder could not be read$/u);
    await panel.says('Projekt/locked', /^This is not permitted\. The account on the machine lacks the right/u);
    await panel.says('Projekt 2', /^Done · 1 file · /u);
    await panel.says('Closed', /^This is not permitted\. /u);
    assert.equal(await panel.transfers.getByRole('listitem').count(), 4);
    await picture(page, 'unread');
    assert.deepEqual(await flaws(page, 'all'), []);
    const came = (): Promise<readonly string[]> =>
      page.evaluate(async () => {
        const found: string[] = [];
        const walk = async (here: FileSystemDirectoryHandle): Promise<void> => {
          for await (const handle of here.values())
            if (handle instanceof FileSystemDirectoryHandle) await walk(handle);
            else found.push(await (await handle.getFile()).text());
        };
        await walk(await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen'));
        return found.toSorted();
      });
    assert.deepEqual(await came(), ['of all', 'of first', 'of last', 'of other']);

    await chmod(join(folder, 'Projekt/locked'), 0o755);
    await panel.button('Try Projekt/locked again').click();
    await panel.says('Projekt', /^Done · 4 files · /u);
    assert.deepEqual(await came(), ['of all', 'of first', 'of last', 'of locked', 'of other']);
    await panel.button('Remove Closed from the list').click();
    await panel.finished(2);
  }));

test('a folder that cannot be made keeps nothing else from going, is named with its reason, and can be tried again', () =>
  place('unmade', async (panel, folder) => {
    const { page } = panel;
    const sent = join(setting.own, 'unmade');
    const holding = ['Projekt', 'Projekt/first', 'Projekt/taken', 'Projekt/taken/inner', 'Projekt/last', 'Closed'];
    for (const inside of holding) {
      await mkdir(join(sent, inside), { recursive: true });
      await writeFile(join(sent, inside, 'file.txt'), `of ${inside}`);
    }
    // On the machine files are where two of them should be.
    await mkdir(join(folder, 'Projekt'));
    await chmod(join(folder, 'Projekt'), 0o777);
    for (const taken of ['Closed', 'Projekt/taken']) await writeFile(join(folder, taken), 'of the machine');
    await drop(page, panel.root, [join(sent, 'Projekt'), join(sent, 'Closed')]);
    await panel.says('Projekt', /^3 of 3 files · .* · 1 folder could not be made$/u);
    await panel.says('Projekt/taken', /^Something has this name already\. /u);
    await panel.says('Closed', /^Something has this name already\. /u);
    assert.equal(await panel.transfers.getByRole('listitem').count(), 3);
    await picture(page, 'unmade');
    assert.deepEqual(await flaws(page, 'all'), []);
    const came = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
        if (entry.isFile()) found.push(await readFile(join(entry.parentPath, entry.name), 'utf8'));
      return found.toSorted();
    };
    const there = ['of Projekt', 'of Projekt/first', 'of Projekt/last'];
    assert.deepEqual(await came(), [...there, 'of the machine', 'of the machine']);

    for (const taken of ['Closed', 'Projekt/taken']) await rm(join(folder, taken));
    await panel.button('Try Projekt/taken again').click();
    await panel.says('Projekt', /^Done · 5 files · /u);
    await panel.button('Try Closed again').click();
    await panel.says('Closed', /^Done · 1 file · /u);
    assert.deepEqual(await came(), holding.map((inside) => `of ${inside}`).toSorted());
    await panel.finished(2);
  }));

test('an upload whose last answer is lost on the way has arrived', () =>
  place('lost-answer', async (panel, folder) => {
    const { page } = panel;
    const content = randomBytes(300_000);
    await writeFile(join(setting.own, 'lost.bin'), content);
    let lost = 0;
    await page.route('**/files/content*', async (route) => {
      if (route.request().method() !== 'PUT' || lost > 0) return route.fallback();
      assert.equal((await route.fetch()).status(), 200);
      lost += 1;
      await route.abort();
    });
    await drop(page, panel.root, [join(setting.own, 'lost.bin')]);
    await panel.says('lost.bin', /^Done · /u);
    assert.equal(lost, 1);
    assert.ok((await readFile(join(folder, 'lost.bin'))).equals(content));
    assert.deepEqual(await readdir(folder), ['lost.bin']);
  }));

test('a download whose place the gateway gave to others begins anew by itself', () =>
  place('ousted', async (panel, folder) => {
    const { page } = panel;
    const { api } = setting.admin;
    const params = { id: new URL(page.url()).pathname.replace('/s/', '') };
    // More than all buffers on the way hold: the gateway cannot have sent it whole before it is paused.
    const content = randomBytes(64_000_000);
    await writeFile(join(folder, 'large.bin'), content);
    await panel.root.getByRole('button', { name: 'Load again' }).click();
    const devtools = await page.context().newCDPSession(page);
    await pace(devtools, SLOW);
    await panel.entry('large.bin file').click();
    await panel.says('large.bin', UNDER_WAY);
    await panel.button('Pause large.bin').click();
    await panel.says('large.bin', /^Paused · /u);
    await eventually('the gateway has noticed it', async () => {
      const { items } = await api.listAudit({ query: { limit: 500 } });
      return items.some(({ reason, detail }) => reason === 'interrupted' && detail?.['sessionId'] === params.id);
    });
    async function* oneByte(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('x'));
    }
    for (let count = 0; count < 64; count += 1) {
      const path = Buffer.from(join(folder, `resting-${count}`)).toString('base64url');
      const transfer = `resting${'a'.repeat(17)}${LETTERS[count >> 3]}${LETTERS[count & 7]}`;
      const query = { path, transfer, offset: 0, size: 2, replace: false };
      await api.uploadFile({ params, query, body: oneByte() });
    }
    await panel.button('Go on with large.bin').click();
    await panel.says('large.bin', /^From the beginning again · .*B of .*B/u);
    const [saved] = await Promise.all([page.waitForEvent('download'), pace(devtools, UNLIMITED)]);
    assert.ok((await readFile(await saved.path())).equals(content));
  }));

test('thousands of files of a folder are one row, and rows near those that are seen; they are cancelled at once, by keyboard too', () =>
  place('thousands', async (panel, folder) => {
    const { page, root, transfers } = panel;
    const [files, passed, locked] = [2_000, 12, 3];
    await mkdir(join(folder, 'Projekt'));
    for (let count = 0; count < files; count += 1) await writeFile(join(folder, 'Projekt', `file-${count}`), 'content');
    const listed = await setting.admin.api.listFiles({
      params: { id: new URL(page.url()).pathname.replace('/s/', '') },
      query: { path: Buffer.from(join(folder, 'Projekt')).toString('base64url') },
    });
    for (const { name } of listed.entries.slice(0, locked)) await chmod(join(folder, 'Projekt', name), 0);
    let asked = 0;
    await page.route('**/files/content*', async (route) => {
      if ((asked += 1) <= passed) await route.continue();
    });
    await root.getByRole('button', { name: 'Load again' }).click();
    await panel.act('Projekt', 'Download');
    await panel.says('Projekt', /^9 of 2,000 files · 63 B of 13\.7 KiB · 3 failed/u);
    // What failed is named though the folder is closed.
    assert.equal(await transfers.getByRole('listitem').count(), 1 + locked);
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
      // Colours pass into each other.
      await page.evaluate(() =>
        Promise.all(
          document
            .getAnimations()
            .flatMap((one) => (one instanceof CSSTransition ? [one.finished.catch(() => undefined)] : [])),
        ),
      );
      await picture(page, `thousands ${scheme}`);
      assert.deepEqual(await flaws(page, 'all'), []);
    }
    const unfold = panel.button('Single files of Projekt');
    await unfold.click();
    assert.equal(await unfold.getAttribute('aria-expanded'), 'true');
    await panel.row(listed.entries[4]?.name ?? '').waitFor();
    await picture(page, 'thousands unfolded');
    const drawn = await transfers.getByRole('listitem').count();
    assert.ok(drawn > 4 && drawn < 60, `${drawn} rows are drawn`);
    const last = transfers.locator(`[aria-posinset="${1 + files}"]`);
    assert.equal(await last.count(), 0);
    await transfers.locator('.files-transfer-rows').evaluate((rows) => rows.scrollTo(0, rows.scrollHeight));
    await last.waitFor();
    assert.equal(await last.getAttribute('aria-setsize'), String(1 + files));
    assert.ok((await transfers.getByRole('listitem').count()) < 60);
    await page.setViewportSize(PHONE);
    await picture(page, 'thousands on a phone');
    assert.deepEqual(await flaws(page, 'geometry'), []);
    await page.setViewportSize(DESKTOP);

    const cancel = transfers.getByRole('button', { name: 'Cancel all transfers that are not done' });
    await cancel.focus();
    await page.keyboard.press('Enter');
    await page.getByText('1,991 transfers were cancelled.').waitFor();
    await transfers.waitFor({ state: 'detached' });
    // Who has no mouse goes on from the panel.
    assert.ok(await root.evaluate((element) => element === document.activeElement));
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  }));

test('transfers say how far and how fast they are, two at a time; one is paused, goes on, outlives the network, and one is cancelled', () =>
  place('slow', async (panel, folder) => {
    const { page } = panel;
    const content = randomBytes(LARGE);
    const devtools = await page.context().newCDPSession(page);
    await pace(devtools, SLOW);
    const names = ['first.bin', 'second.bin', 'third.bin'];
    for (const name of names) await writeFile(join(setting.own, name), content);
    await panel.send(names.map((name) => join(setting.own, name)));
    await panel.says('first.bin', UNDER_WAY);
    await panel.says('second.bin', /of .*B/u);
    await panel.says('third.bin', /^Waiting$/u);

    await panel.button('Pause first.bin').click();
    await panel.says('first.bin', /^Paused · /u);
    await panel.says('third.bin', /of .*B/u);
    const parts = (count: number): Promise<unknown> =>
      eventually(`${count} files under way`, async () => (await readdir(folder)).length === count);
    await parts(3);
    await panel.button('Remove third.bin from the list').click();
    await panel.row('third.bin').waitFor({ state: 'detached' });
    await parts(2);

    setting.network.cut();
    await panel.says('second.bin', /^Waiting for the connection$/u);
    setting.network.mend();
    await pace(devtools, UNLIMITED);
    await panel.says('second.bin', /^Done/u);
    await panel.button('Go on with first.bin').click();
    await panel.says('first.bin', /^Done/u);
    assert.deepEqual((await readdir(folder)).toSorted(), ['first.bin', 'second.bin']);
    for (const name of ['first.bin', 'second.bin'])
      assert.ok((await readFile(join(folder, name))).equals(content), name);

    await panel.root.getByRole('button', { name: 'Clear finished' }).click();
    await pace(devtools, SLOW);
    await panel.entry('first.bin file').click();
    await panel.says('first.bin', UNDER_WAY);
    await panel.button('Pause first.bin').click();
    await panel.says('first.bin', /^Paused · /u);
    await panel.button('Go on with first.bin').click();
    await panel.says('first.bin', /of .*B · .*\/s/u);
    setting.network.cut();
    await panel.says('first.bin', /^Waiting for the connection$/u);
    setting.network.mend();
    const [saved] = await Promise.all([page.waitForEvent('download'), pace(devtools, UNLIMITED)]);
    assert.ok((await readFile(await saved.path())).equals(content));
  }));

test('a download that ends before it is whole leaves nothing in the browser, whether it is taken off the list or its page is closed', () =>
  place('unfinished', async (panel, folder) => {
    const { page } = panel;
    await writeFile(join(folder, 'large.bin'), randomBytes(LARGE));
    await panel.root.getByRole('button', { name: 'Load again' }).click();
    await pace(await page.context().newCDPSession(page), SLOW);
    const begin = async (): Promise<void> => {
      await panel.entry('large.bin file').click();
      await panel.says('large.bin', UNDER_WAY);
      assert.equal(await keptBy(page), 1);
    };
    await begin();
    await panel.button('Remove large.bin from the list').click();
    await eventually('what had come is gone', async () => (await keptBy(page)) === 0);

    await begin();
    await page.evaluate(async () => {
      await (await navigator.storage.getDirectory()).getFileHandle('download-of-nobody', { create: true });
    });
    const next = await page.context().newPage();
    await next.goto(new URL('/', page.url()).href);
    await eventually('another page removes what nobody needs', async () => (await keptBy(next)) === 1);
    await panel.says('large.bin', UNDER_WAY);
    await page.close();
    await eventually('what the closed page left is gone', async () => (await keptBy(next)) === 0);
    await next.close();
  }));

test('a browser that has storage of its own but writes no files in a page downloads by itself', () =>
  place(
    'by-itself',
    async (panel, folder) => {
      const content = randomBytes(3_000_000);
      await writeFile(join(folder, 'plain.bin'), content);
      await panel.root.getByRole('button', { name: 'Load again' }).click();
      const [saved] = await Promise.all([panel.page.waitForEvent('download'), panel.entry('plain.bin file').click()]);
      assert.equal(saved.suggestedFilename(), 'plain.bin');
      assert.ok((await readFile(await saved.path())).equals(content));
      assert.equal(await keptBy(panel.page), 0);
    },
    // Safari before 26.
    () => Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable'),
  ));

test('a disk that is full and a file that is gone are told from the network, and what failed is tried again', () =>
  place('own-disk', async (panel, folder) => {
    const { page } = panel;
    const devtools = await page.context().newCDPSession(page);
    const { origin } = new URL(page.url());
    const content = randomBytes(LARGE);
    await writeFile(join(folder, 'large.bin'), content);
    await panel.root.getByRole('button', { name: 'Load again' }).click();
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: LARGE / 2 });
    const saved = page.waitForEvent('download');
    await panel.entry('large.bin file').click();
    await panel.says('large.bin', /^This computer could not read or keep the file\. .*room/u);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin });
    await panel.button('Try large.bin again').click();
    assert.ok((await readFile(await (await saved).path())).equals(content));

    const file = join(setting.own, 'fleeting.bin');
    await writeFile(file, content);
    await pace(devtools, SLOW);
    await panel.send([file]);
    await panel.says('fleeting.bin', UNDER_WAY);
    await rm(file);
    setting.network.cut();
    setting.network.mend();
    await panel.says('fleeting.bin', /^This computer could not read or keep the file/u);
    await panel.button('Remove fleeting.bin from the list').click();
    await eventually('nothing of it is on the machine', async () => (await readdir(folder)).length === 1);
  }));
