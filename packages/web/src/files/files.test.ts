import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crumbsOf, fromRaw, fromText, isName, joinPath, localName, parentOf, textOf, toRaw } from './raw-path.ts';

test('bytes of any name survive the way to the API and back', () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
  assert.equal(fromRaw(toRaw(all)), all);
  assert.match(toRaw(all), /^[\w-]+$/u);
  assert.equal(textOf(fromText('größe 日本')), 'größe 日本');
  assert.equal(textOf('a\u00ff'), 'a\\xff');
});

test('paths join, go up and fall into crumbs', () => {
  assert.equal(joinPath('/', 'a'), '/a');
  assert.equal(joinPath('/a', 'b'), '/a/b');
  assert.deepEqual(['/', '/a', '/a/b', '/a/b/'].map(parentOf), ['/', '/', '/a', '/a']);
  assert.deepEqual(
    crumbsOf('/var/log').map(({ path }) => path),
    ['/', '/var', '/var/log'],
  );
});

test('a name is one segment', () => {
  for (const good of ['a', '..a', 'ü', ' ']) assert.ok(isName(good), good);
  for (const bad of ['', '.', '..', 'a/b', 'a\0', 'x'.repeat(256)]) assert.ok(!isName(bad), bad);
});

test('what a machine calls a file cannot leave the folder or name a device on the person’s own disk', () => {
  for (const [name, safe] of [
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['..', '_'],
    ['C:\\x', 'C__x'],
    ['nul.txt', '_nul.txt'],
    ['a\nb', 'a_b'],
    [' spaced ', '_spaced_'],
    ['.profile', '.profile'],
    ['ordinary.txt', 'ordinary.txt'],
  ] as const)
    assert.equal(localName(name), safe);
});
