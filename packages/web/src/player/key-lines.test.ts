import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyLines } from './key-lines.ts';

type Stroke = Parameters<typeof keyLines>[0][number];

const pressed = (code: Stroke['code'], atMs: number, ...values: readonly number[]): Stroke[] =>
  values.flatMap((value) => [
    { code, value, atMs, isDown: true },
    { code, value, atMs, isDown: false },
  ]);
const texts = (strokes: readonly Stroke[]): readonly string[] => keyLines(strokes).map(({ text }) => text);

test('keys by their place read as on a US keyboard, with what was held', () => {
  const shift = (isDown: boolean): Stroke => ({ code: 'scancode', value: 0x2a, atMs: 10, isDown });
  const control = (isDown: boolean): Stroke => ({ code: 'scancode', value: 0xe01d, atMs: 20, isDown });
  assert.deepEqual(
    texts([
      ...[shift(true), ...pressed('scancode', 10, 0x18), shift(false), ...pressed('scancode', 11, 0x14, 0x39, 0x02)],
      ...[shift(true), ...pressed('scancode', 12, 0x02), shift(false)],
      ...[control(true), ...pressed('scancode', 20, 0x2e), control(false), ...pressed('scancode', 21, 0xe053)],
    ]),
    ['Ot 1[Shift 1][Control c][Delete]'],
  );
});

test('keysyms and characters read as what they are', () => {
  assert.deepEqual(
    texts([...pressed('keysym', 0, 0x53, 0xe9, 0x0100_20ac, 0xff09), ...pressed('character', 1, 0x1f)]),
    ['Sé€[Tab]\u001f'],
  );
});

test('a line ends with Enter, with a pause, and keeps when it began', () => {
  assert.deepEqual(
    keyLines([
      ...pressed('keysym', 0, 0x61, 0xff0d),
      ...pressed('keysym', 100, 0x62),
      ...pressed('keysym', 9_000, 0x63),
    ]),
    [
      { atMs: 0, text: 'a[Enter]' },
      { atMs: 100, text: 'b' },
      { atMs: 9_000, text: 'c' },
    ],
  );
});
