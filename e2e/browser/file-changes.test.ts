import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Locator } from 'playwright-core';
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

test('a text file that is edited stays the file that it was but for the edit, and one that has grown is not opened', () =>
  place('edited', async (panel, folder) => {
    const { page } = panel;
    const texts = {
      'windows.txt': '\uFEFFone\r\ntwo\r\nlast',
      'mixed.txt': 'one\ntwo\r\nthree\r\nfour\r\n',
      'growing.txt': 'ten bytes.',
    };
    for (const [name, text] of Object.entries(texts)) {
      await writeFile(join(folder, name), text);
      await chmod(join(folder, name), 0o666);
    }
    await panel.root.getByRole('button', { name: 'Load again' }).click();
    await panel.entry('growing.txt file').waitFor();
    await truncate(join(folder, 'growing.txt'), 5_000_000_000);
    await panel.act('growing.txt', 'Edit');
    await page.getByRole('alert').filter({ hasText: 'The file has become too large to be edited here' }).waitFor();
    await picture(page, 'too large');
    assert.ok(await page.getByRole('button', { name: 'Save' }).isDisabled());
    await page.getByRole('button', { name: 'Cancel' }).click();
    await truncate(join(folder, 'growing.txt'), 0);

    const editor = page.getByRole('textbox', { name: 'Content' });
    const mixed = page.getByText('The lines of this file end in different ways.');
    const edit = async (name: string, shown: string, edited: string): Promise<void> => {
      await panel.act(name, 'Edit');
      assert.equal(await editor.inputValue(), shown);
      assert.equal(await mixed.count(), name === 'mixed.txt' ? 1 : 0);
      await picture(page, name);
      await editor.fill(edited);
      await page.getByRole('button', { name: 'Save' }).click();
      await editor.waitFor({ state: 'detached' });
    };
    await edit('windows.txt', 'one\ntwo\nlast', 'one\nzwei\nlast');
    assert.equal(await readFile(join(folder, 'windows.txt'), 'utf8'), '\uFEFFone\r\nzwei\r\nlast');
    await edit('mixed.txt', 'one\ntwo\nthree\nfour\n', 'one\ntwo\ndrei\nfour\n');
    assert.equal(await readFile(join(folder, 'mixed.txt'), 'utf8'), 'one\ntwo\r\ndrei\r\nfour\r\n');
  }));

test('a folder is sorted, made and searched, and the permissions of a file are changed', () =>
  place('sorted', async (panel, folder) => {
    for (const [name, size] of Object.entries({ file10: 30, file9: 20, note: 10 }))
      await writeFile(join(folder, name), Buffer.alloc(size));
    await chmod(join(folder, 'note'), 0o646);
    await panel.root.getByRole('button', { name: 'Load again' }).click();
    await panel.shows(['file9', 'file10', 'note']);
    await panel.sortBy('Size');
    await panel.shows(['note', 'file9', 'file10']);
    await panel.sortBy('Size');
    await panel.shows(['file10', 'file9', 'note']);

    await panel.root.getByRole('button', { name: 'New folder' }).click();
    await panel.page.getByRole('textbox', { name: 'Name' }).fill('zz top');
    await panel.page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await panel.shows(['zz top', 'file10', 'file9', 'note']);
    await panel.root.getByRole('textbox', { name: 'Search in this folder' }).fill('FILE');
    await panel.shows(['file10', 'file9']);
    await panel.root.getByRole('textbox', { name: 'Search in this folder' }).fill('note');

    // The account of the session owns what it sends.
    await writeFile(join(setting.own, 'own note'), 'x');
    await panel.send([join(setting.own, 'own note')]);
    await panel.finished(1);
    const before = (await stat(join(folder, 'own note'))).mode & 0o777;
    await panel.act('own note', 'Permissions');
    const dialog = panel.page.getByRole('dialog', { name: 'Permissions of own note' });
    for (const [who, bit] of Object.entries({ Owner: 0o100, Others: 0o004 })) {
      const box = dialog
        .getByRole('group', { name: who })
        .getByRole('checkbox', { name: bit === 0o100 ? 'execute' : 'read' });
      await box.setChecked((before & bit) === 0);
    }
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await stat(join(folder, 'own note'))).mode & 0o777, before ^ 0o104);
  }));

test('several are chosen by hand, by range and by key, and fetched or deleted together; what cannot be deleted is named and stays chosen', () =>
  place('several', async (panel, folder) => {
    const { page, root } = panel;
    const names = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt'];
    for (const name of names) await writeFile(join(folder, name), `of ${name}`);
    await mkdir(join(folder, 'full'));
    await writeFile(join(folder, 'full', 'inside.txt'), 'inside');
    await symlink('a.txt', join(folder, 'link'));
    await symlink('nowhere', join(folder, 'lost'));
    await root.getByRole('button', { name: 'Load again' }).click();
    await panel.shows(['full', ...names, 'link', 'lost']);
    const box = (name: string): Locator => root.getByRole('checkbox', { name: `Select ${name}`, exact: true });
    const bar = root.getByRole('group', { name: 'Selection' });
    const says = (words: string): Promise<void> => bar.getByText(words, { exact: true }).waitFor();

    await box('b.txt').click();
    await says('1 selected');
    await box('d.txt').click({ modifiers: ['Shift'] });
    await says('3 selected');
    await panel.entry('c.txt file').click({ modifiers: ['Control'] });
    await says('2 selected');
    await root.getByRole('textbox', { name: 'Search in this folder' }).fill('b.txt');
    await says('1 selected');
    await root.getByRole('textbox', { name: 'Search in this folder' }).fill('');
    await says('2 selected');
    await box('a.txt').focus();
    await page.keyboard.press('Escape');
    await bar.waitFor({ state: 'detached' });
    await page.keyboard.press('Space');
    await says('1 selected');
    await page.keyboard.press('ControlOrMeta+a');
    await says('8 selected');
    await picture(page, 'selection');
    assert.deepEqual(await flaws(page, 'all'), []);
    await page.setViewportSize(PHONE);
    await picture(page, 'selection on a phone');
    assert.deepEqual(await flaws(page, 'geometry'), []);
    await page.setViewportSize(DESKTOP);

    await bar.getByRole('button', { name: 'Download' }).click();
    await page.getByText('1 entry is no file or folder').waitFor();
    await panel.finished(7);
    const came = await page.evaluate(async () => {
      const chosen = await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen');
      const found: string[] = [];
      for await (const name of chosen.keys()) found.push(name);
      const inside = await (await chosen.getDirectoryHandle('full')).getFileHandle('inside.txt');
      return { found: found.toSorted(), inside: await (await inside.getFile()).text() };
    });
    assert.deepEqual(came, { found: [...names, 'full', 'link'], inside: 'inside' });

    await box('a.txt').focus();
    await page.keyboard.press('Delete');
    const dialog = page.getByRole('dialog', { name: 'Delete 8 entries?' });
    await dialog.getByText('Only an empty folder can be deleted here.').waitFor();
    await picture(page, 'delete');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await says('8 selected');
    await box('e.txt').click();
    await says('7 selected');
    await bar.getByRole('button', { name: 'Delete' }).click();
    const again = page.getByRole('dialog', { name: 'Delete 7 entries?' });
    await again.getByRole('button', { name: 'Delete' }).click();
    await again
      .getByRole('alert')
      .filter({ hasText: '1 could not be deleted' })
      .getByText('full: The folder is not empty')
      .waitFor();
    await picture(page, 'not deleted');
    await again.getByRole('button', { name: 'Close' }).last().click();
    await panel.shows(['full', 'e.txt']);
    await says('1 selected');
    assert.ok(await box('full').isChecked());
    assert.deepEqual((await readdir(folder)).toSorted(), ['e.txt', 'full']);
  }));

test('a deletion of several stops where the person stops it, and a folder that holds something says why it stays', () =>
  place('stopped', async (panel, folder) => {
    const { page, root } = panel;
    for (const name of ['a', 'b', 'c', 'd']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'd', 'inside.txt'), 'inside');
    await root.getByRole('button', { name: 'Load again' }).click();
    await panel.shows(['a', 'b', 'c', 'd']);
    const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let asked = 0;
    await page.route('**/files/changes', async (route) => {
      asked += 1;
      if (asked === 2) {
        reached.resolve();
        await goOn.promise;
      }
      await route.continue();
    });
    await root.getByRole('checkbox', { name: 'Select everything shown' }).click();
    await root.getByRole('group', { name: 'Selection' }).getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete 4 entries?' });
    await dialog
      .getByText(/Only an empty folder can be deleted here\. One that holds something stays as it is/u)
      .waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await reached.promise;
    await dialog.getByText('1 of 4 deleted').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    goOn.resolve();
    await page.getByText('2 of 4 deleted, then stopped. The rest is still selected.').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await panel.shows(['c', 'd']);
    await root.getByRole('group', { name: 'Selection' }).getByText('2 selected', { exact: true }).waitFor();
    assert.deepEqual([asked, (await readdir(folder)).toSorted()], [2, ['c', 'd']]);

    await panel.act('d', 'Delete');
    const single = page.getByRole('dialog', { name: 'Delete d?' });
    await single.getByText(/One that holds something stays as it is, with all that it holds/u).waitFor();
    await picture(page, 'delete a folder');
    await single.getByRole('button', { name: 'Delete' }).click();
    const told = page.getByRole('alert').filter({ hasText: 'The folder is not empty' });
    await told.getByText('Open it and delete that first').waitFor();
    await picture(page, 'folder not empty');
    await single.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(await readdir(join(folder, 'd')), ['inside.txt']);
  }));
