import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterUse, BROWSER_KEYS, control, FUNCTION_KEY_CHOICES, modified, nextSticky } from './keys.ts';
import { openableLink } from './links.ts';

test('keys that browsers keep become what a terminal sends', () => {
  const bytes = (label: string): string | undefined =>
    [...BROWSER_KEYS, ...FUNCTION_KEY_CHOICES].find((key) => key.label === label)?.bytes;
  assert.equal(bytes('Ctrl+W'), '\x17');
  assert.equal(bytes('Ctrl+T'), '\x14');
  assert.equal(bytes('Ctrl+N'), '\x0e');
  assert.equal(bytes('F1'), '\x1bOP');
  assert.equal(bytes('F5'), '\x1b[15~');
  assert.equal(bytes('F12'), '\x1b[24~');
});

test('control characters come from the low five bits', () => {
  assert.equal(control('c'), '\x03');
  assert.equal(control('['), '\x1b');
  assert.equal(control('?'), '\x7f');
  assert.equal(control('ü'), 'ü');
});

test('held modifiers apply to letters and to cursor keys', () => {
  assert.equal(modified('c', { ctrl: 'once', alt: 'off' }), '\x03');
  assert.equal(modified('x', { ctrl: 'off', alt: 'locked' }), '\x1bx');
  assert.equal(modified('\x1b[D', { ctrl: 'once', alt: 'off' }), '\x1b[1;5D');
  assert.equal(modified('several words', { ctrl: 'once', alt: 'off' }), 'several words');
});

test('a modifier tapped once holds for one key, tapped twice until it is tapped again', () => {
  assert.equal(nextSticky(nextSticky('off')), 'locked');
  assert.deepEqual(afterUse({ ctrl: 'once', alt: 'locked' }), { ctrl: 'off', alt: 'locked' });
});

test('only plain web addresses may be opened', () => {
  assert.equal(openableLink('https://example.net/a')?.host, 'example.net');
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'ssh://host',
    'https://user@evil.example',
    'nonsense',
  ])
    assert.equal(openableLink(text), undefined, text);
});
