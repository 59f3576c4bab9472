import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import headless from '@xterm/headless';
import type { ScreenHistory } from '@enchilada/core/session';
import { Emulation } from './emulation.ts';
import { terminalHistories } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'enchilada-history-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const SIZE = { columns: 80, rows: 24 };
const RESET_BYTES = 2;

function open(): ScreenHistory {
  const history = terminalHistories({ folder, scrollbackLines: 1_000 })('terminal', SIZE);
  assert.ok(history);
  return history;
}

async function screenOf(bytes: Uint8Array, size = SIZE): Promise<string> {
  using emulation = new Emulation(size, 1_000);
  await emulation.write(bytes);
  return Buffer.from(emulation.frames()).subarray(RESET_BYTES).toString();
}

test('a snapshot shows what a terminal that was there all along shows', async () => {
  await using history = open();
  const shown = Buffer.from('one\r\n\u001b[31mred\u001b[0m\r\n\u001b[?1049h\u001b[5;5Hin the alternate screen ünï 😀');
  for (let at = 0; at < shown.length; at += 7) history.append(shown.subarray(at, at + 7));
  assert.equal(await screenOf(await history.snapshot()), await screenOf(shown));
});

test('a character is as wide in a snapshot as in the browser that draws it', async () => {
  await using history = open();
  // What a program places by columns after an emoji, and after a family that is one character (Unicode UAX 29).
  history.append(Buffer.from('😀\u001b[1;3Hx\r\n👨‍👩‍👧\u001b[2;3Hy'));
  const browser = new headless.Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  browser.loadAddon(new UnicodeGraphemesAddon());
  const snapshot = await history.snapshot();
  await new Promise<void>((drawn) => browser.write(snapshot, drawn));
  const lines = [0, 1].map((line) => browser.buffer.active.getLine(line)?.translateToString(true));
  assert.deepEqual(lines, ['😀x', '👨‍👩‍👧y']);
  browser.dispose();
});

test('a snapshot is of what came before the call, not after it', async () => {
  await using history = open();
  history.append(Buffer.from('before'));
  const snapshot = history.snapshot();
  history.append(Buffer.from(' after'));
  assert.equal(await screenOf(await snapshot), await screenOf(Buffer.from('before')));
});

test('the spool and the snapshots about each MiB lose no line of the scrollback', async () => {
  await using history = open();
  let line = 0;
  const shown: Buffer[] = [];
  for (let round = 0; round < 40; round += 1) {
    const lines = Array.from({ length: 2_000 }, () => `line ${line++} ${'x'.repeat(line % 60)}\r\n`).join('');
    shown.push(Buffer.from(lines));
    history.append(Buffer.from(lines));
    if (round % 10 === 9) {
      history.settle();
      await history.snapshot();
    }
  }
  assert.equal(await screenOf(await history.snapshot()), await screenOf(Buffer.concat(shown)));
});

test('a flood larger than the spool still ends in the right screen', async () => {
  await using history = open();
  const block = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `row ${n}\r\n`).join(''));
  for (let sent = 0; sent < 12 * 1024 * 1024; sent += block.length) history.append(block);
  history.append(Buffer.from('the last word'));
  const text = Buffer.from(await history.snapshot()).toString();
  assert.ok(text.includes('the last word'));
  assert.ok(text.includes('row 19999'));
});

test('a resize in the middle is followed', async () => {
  await using history = open();
  history.append(Buffer.from('a'.repeat(100)));
  history.resize({ columns: 120, rows: 30 });
  history.append(Buffer.from(`\r\n${'b'.repeat(110)}`));
  const text = Buffer.from(await history.snapshot()).toString();
  assert.ok(text.includes('b'.repeat(110)));
});

test('nothing of what was shown lies in a named file', async () => {
  await using history = open();
  history.append(Buffer.alloc(200_000, 'secret '));
  await history.snapshot();
  assert.deepEqual(readdirSync(folder), []);
});
