import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '@enchilada/core/fault';
import { fill, preferredLanguage } from './catalogue.ts';
import { de } from './de/index.ts';
import { en } from './en/index.ts';
import { createText, localeOf } from './text-functions.ts';

const SOURCE = join(import.meta.dirname, '..');
const placeholders = (text: string): readonly string[] =>
  [...text.matchAll(/\{(\w+)\}/gu)].map((match) => match[1] ?? '').toSorted();

async function sources(): Promise<string> {
  const entries = await readdir(SOURCE, { recursive: true, withFileTypes: true });
  const wanted = entries.filter(
    (entry) =>
      entry.isFile() &&
      /\.tsx?$/u.test(entry.name) &&
      !/\.test\.ts$/u.test(entry.name) &&
      !/i18n\/(?:en|de)$/u.test(entry.parentPath),
  );
  return (await Promise.all(wanted.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')))).join('\n');
}

test('both languages have the same keys', () => {
  assert.deepEqual(Object.keys(de).toSorted(), Object.keys(en).toSorted());
});

test('no text is empty, and both languages use the same values', () => {
  for (const [key, english] of Object.entries(en)) {
    const german = de[key as keyof typeof en];
    assert.notEqual(english.trim(), '', key);
    assert.notEqual(german.trim(), '', key);
    assert.deepEqual(placeholders(german), placeholders(english), key);
  }
});

test('every fault has a text and a remedy', () => {
  const missing = Object.keys(FAULTS)
    .flatMap((code) => [`fault.${code}`, `fault.${code}.next`])
    .filter((key) => !Object.hasOwn(en, key));
  assert.deepEqual(missing, []);
});

test('every key is used somewhere', async () => {
  const code = await sources();
  const prefixes = [...code.matchAll(/`([a-z-]+\.[a-z-]*)\$\{[^}]*\}([a-z.-]*)`/gu)].map(
    (match) => [match[1] ?? '', match[2] ?? ''] as const,
  );
  const unused = Object.keys(en).filter((key) => {
    const base = key.replace(/\.(?:one|other)$/u, '');
    return (
      !code.includes(`'${base}'`) && !prefixes.some(([start, end]) => base.startsWith(start) && base.endsWith(end))
    );
  });
  assert.deepEqual(unused, []);
});

test('no text shouts, begs or ends a button with a full stop', () => {
  for (const [key, english] of Object.entries(en)) assert.doesNotMatch(english, /!|\bplease\b/iu, key);
});

test('values stand in as plain text and are not filled again', () => {
  assert.equal(fill('{a} and {b}', { a: '{b}', b: 'x' }), '{b} and x');
  assert.equal(fill('{missing}'), '{missing}');
});

test('the stored language wins over those of the browser, and unknown ones fall back to English', () => {
  assert.equal(preferredLanguage('de', ['en-GB']), 'de');
  assert.equal(preferredLanguage('xx', ['fr-FR', 'de-AT']), 'de');
  assert.equal(preferredLanguage(null, ['fr']), 'en');
});

test('counts take the form and the digits of the language', () => {
  const english = createText('en', en);
  assert.equal(english.count('machines.count', 1), '1 machine');
  assert.equal(english.count('machines.count', 12_345), '12,345 machines');
  assert.equal(createText('de', de).count('machines.count', 12_345), '12.345 Maschinen');
  assert.equal(english.bytes(1536), '1.5 KiB');
  assert.equal(english.relative(1000, 61_000 + 7_200_000), '2 hours ago');
});

test('dates and numbers take the form of the person’s own region', () => {
  assert.equal(localeOf('en', ['de-CH', 'en-GB', 'en-US']), 'en-GB');
  assert.equal(localeOf('de', ['de-CH', 'en-GB']), 'de-CH');
  assert.equal(localeOf('de', ['fr']), 'de');
  assert.match(createText('en', en, 'en-GB').dateTime(Date.UTC(2026, 10, 21, 12)), /^21 Nov 2026/u);
});
