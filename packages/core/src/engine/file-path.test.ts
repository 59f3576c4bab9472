import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../fault/index.ts';
import { checkPath, joinPath, pathText, splitPath } from './file-path.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a path is absolute, without NUL and without segments of dots', () => {
  for (const good of ['/', '/a', '/a/b/', '/..a', '/a..', '/...', '/ü', '/a//b']) checkPath(bytes(good));
  checkPath(Uint8Array.of(47, 255, 254));
  const bad = ['', 'a', './a', '/..', '/.', '/../a', '/a/..', '/a/../b', '/a/./b', '/a\0b', `/${'x'.repeat(5_000)}`];
  for (const path of bad)
    assert.throws(
      () => checkPath(bytes(path)),
      (error) => isFault(error, 'FILE_UNFIT'),
      path,
    );
});

test('a path splits and joins', () => {
  const { folder, name } = splitPath(bytes('/var/log'));
  assert.deepEqual([pathText(folder), pathText(name)], ['/var', 'log']);
  assert.equal(pathText(splitPath(bytes('/log')).folder), '/');
  assert.equal(pathText(joinPath(bytes('/'), bytes('a'))), '/a');
  assert.equal(pathText(joinPath(bytes('/b'), bytes('a'))), '/b/a');
  assert.throws(
    () => splitPath(bytes('/')),
    (error) => isFault(error, 'FILE_UNFIT'),
  );
});

test('text of a path steers no screen, and two paths never look alike', () => {
  assert.equal(pathText(bytes('grün/日本')), 'grün/日本');
  assert.equal(pathText(bytes('a\u001b[2J\u202eb\n')), 'a\\x1b[2J\\xe2\\x80\\xaeb\\x0a');
  assert.equal(pathText(Uint8Array.of(0x66, 0xff)), 'f\\xff');
  assert.notEqual(pathText(bytes('f\\xff')), pathText(Uint8Array.of(0x66, 0xff)));
});
