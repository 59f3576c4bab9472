import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, clockText } from './playback-clock.ts';
import { fittingFont } from './fitting-font.ts';
import { Transcript } from './transcript.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
test('playback moves by real time and speed, and stops at the end', () => {
  const course = { speed: 4, skipIdle: false, nextAt: 50_000, durationMs: 60_000 };
  assert.equal(advance(1000, 100, course), 1400);
  assert.equal(advance(59_900, 100, course), 60_000);
});

test('idle time is skipped up to shortly before the next event', () => {
  const course = { speed: 1, skipIdle: true, nextAt: 50_000, durationMs: 60_000 };
  assert.equal(advance(1000, 16, course), 49_700);
  assert.equal(advance(49_000, 16, course), 49_016);
});

test('idle time at the end is skipped as well', () => {
  assert.equal(advance(1000, 16, { speed: 1, skipIdle: true, nextAt: undefined, durationMs: 60_000 }), 59_700);
});

test('a time is written with hours only where there are any', () => {
  assert.equal(clockText(61_000), '1:01');
  assert.equal(clockText(3_723_000), '1:02:03');
});

test('the transcript holds what was readable and when it began', () => {
  const transcript = new Transcript();
  transcript.add(bytes('\x1b]0;title\x07\x1b[1;32mkim\x1b[0m$ ls\x1b('), 100);
  transcript.add(bytes('B\r\nNeedle in a hay'), 200);
  transcript.add(bytes('stack\x1bP$qm\x1b\\\r\n'), 300);
  assert.deepEqual(transcript.lines, [
    { atMs: 100, text: 'kim$ ls' },
    { atMs: 200, text: 'Needle in a haystack' },
  ]);
  assert.deepEqual(
    transcript.find('needle', 10).map((line) => line.atMs),
    [200],
  );
  assert.deepEqual(transcript.find('title', 10), []);
});

test('characters cut in two by a frame are whole in the transcript', () => {
  const transcript = new Transcript();
  const whole = bytes('grün\n');
  transcript.add(whole.subarray(0, 3), 1);
  transcript.add(whole.subarray(3), 2);
  assert.equal(transcript.lines[0]?.text, 'grün');
});

test('the font is the largest at which the whole recorded screen fits', () => {
  const measure = (size: number) => ({ width: size * 0.6, height: size * 1.4 });
  assert.equal(fittingFont({ columns: 80, rows: 24 }, { width: 2000, height: 2000 }, measure), 18);
  const size = fittingFont({ columns: 120, rows: 40 }, { width: 900, height: 800 }, measure);
  assert.equal(size, 12.5);
  assert.equal(fittingFont({ columns: 400, rows: 100 }, { width: 300, height: 300 }, measure), 6);
});
