import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droppedFiles, MOST_DROPPED } from './dropped.ts';

const file = (name: string): FileSystemEntry =>
  ({
    ...{ name, isFile: true, isDirectory: false },
    file: (found: (file: File) => void) => found(new File([], name)),
  }) as unknown as FileSystemEntry;

/** Names a hundred at a time, as browsers do. */
const folder = (name: string, inside: readonly FileSystemEntry[]): FileSystemEntry =>
  ({
    ...{ name, isFile: false, isDirectory: true },
    createReader: () => {
      let at = 0;
      return {
        readEntries: (found: (page: readonly FileSystemEntry[]) => void) => found(inside.slice(at, (at += 100))),
      };
    },
  }) as unknown as FileSystemEntry;

const drop = (...entries: readonly FileSystemEntry[]): DataTransfer =>
  ({ items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) }) as unknown as DataTransfer;

test('dropped folders come with those that are empty', async () => {
  const { files, emptyFolders, cut } = await droppedFiles(
    drop(file('a'), folder('Projekt', [folder('empty', []), folder('inner', [file('b'), folder('empty', [])])])),
  );
  assert.deepEqual(
    files.map(({ source, folders }) => [...folders, source.name]),
    [['a'], ['Projekt', 'inner', 'b']],
  );
  assert.deepEqual(emptyFolders, [
    ['Projekt', 'empty'],
    ['Projekt', 'inner', 'empty'],
  ]);
  assert.equal(cut, false);
});

test('of more than is taken at once as much is taken, and that it is not all is said', async () => {
  const many = Array.from({ length: MOST_DROPPED - 1 }, (_, index) => file(String(index)));
  const all = await droppedFiles(drop(folder('all', many)));
  assert.deepEqual([all.files.length, all.cut], [MOST_DROPPED - 1, false]);
  const more = await droppedFiles(drop(folder('more', [...many, file('over')])));
  assert.deepEqual([more.files.length, more.cut], [MOST_DROPPED - 1, true]);
  const folders = await droppedFiles(drop(...Array.from({ length: MOST_DROPPED + 1 }, () => folder('none', []))));
  assert.deepEqual([folders.emptyFolders.length, folders.cut], [MOST_DROPPED, true]);
});
