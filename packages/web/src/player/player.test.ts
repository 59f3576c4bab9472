import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, clockText } from './playback-clock.ts';
import { Tape } from './tape.ts';
import { Transcript } from './transcript.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const output = (atMs: number, text: string) => ({
  atUs: atMs * 1000,
  chunk: 1,
  event: { kind: 'output' as const, bytes: bytes(text) },
});

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

test('the tape finds the events up to a time, those at that time included', () => {
  const tape = new Tape();
  tape.add([output(0, 'a'), output(10, 'b'), output(10, 'c'), output(30, 'd')]);
  assert.deepEqual(
    [-1, 0, 10, 29, 30, 99].map((at) => tape.indexAfter(at)),
    [0, 1, 3, 3, 4, 4],
  );
  assert.equal(tape.timeOf(3), 30);
  assert.equal(tape.timeOf(4), undefined);
});

test('typing within a second is one mark', () => {
  const tape = new Tape();
  tape.add(
    [0, 200, 400, 3000].map((atMs) => ({
      atUs: atMs * 1000,
      chunk: 1,
      event: { kind: 'input-length' as const, count: 1 },
    })),
  );
  assert.deepEqual(
    tape.marks.map((mark) => mark.atMs),
    [0, 3000],
  );
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
