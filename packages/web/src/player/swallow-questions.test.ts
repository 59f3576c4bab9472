import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { AFTERMATH, HOSTILE_OUTPUT } from '@enchilada/core/testing/hostile-output';
import type * as Headless from '@xterm/headless';
import { swallowQuestions } from './swallow-questions.ts';

const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as typeof Headless;

function listening(swallow: boolean) {
  const terminal = new Terminal({ cols: 80, rows: 24, scrollback: 100, allowProposedApi: true });
  if (swallow) swallowQuestions(terminal.parser);
  const said: string[] = [];
  terminal.onData((text) => said.push(text));
  terminal.onBinary((text) => said.push(text));
  terminal.onTitleChange((title) => said.push(title));
  return {
    said,
    write: (text: string): Promise<void> => new Promise((resolve) => terminal.write(text, resolve)),
  };
}

test('the corpus has at least 120 sequences, and without the guard many are answered', async () => {
  assert.ok(HOSTILE_OUTPUT.length >= 120, `${HOSTILE_OUTPUT.length} sequences`);
  assert.equal(new Set(HOSTILE_OUTPUT.map(({ name }) => name)).size, HOSTILE_OUTPUT.length);
  const answering = listening(false);
  for (const { bytes } of HOSTILE_OUTPUT) await answering.write(bytes + AFTERMATH);
  assert.ok(answering.said.length > 15, `${answering.said.length} answers`);
});

test('playback answers no sequence of a hostile machine', async () => {
  const silent = listening(true);
  for (const { name, bytes } of HOSTILE_OUTPUT) {
    await silent.write(bytes + AFTERMATH);
    assert.deepEqual(silent.said, [], name);
  }
});

test('playback answers nothing whatever follows an introducer', async () => {
  const silent = listening(true);
  let state = 20_260_301;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const starts = ['\u001b[', '\u001b]', '\u001bP', '\u001b', '\u009b', '\u0090', '\u009d', '\u0005'];
  for (let batch = 0; batch < 200; batch += 1) {
    const parts: string[] = [];
    for (let round = 0; round < 100; round += 1) {
      parts.push(starts[next(starts.length)] ?? '');
      for (let left = next(8); left > 0; left -= 1) parts.push(String.fromCharCode(0x20 + next(0x5f)));
      if (round % 16 === 0) parts.push(AFTERMATH);
    }
    await silent.write(parts.join(''));
    assert.deepEqual(silent.said, [], JSON.stringify(parts.join('')));
  }
});
