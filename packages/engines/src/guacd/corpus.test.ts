import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { altered, readCorpus } from '@enchilada/core/testing/corpus';
import { FromGuacd, FromViewer, InstructionDecoder } from './codec/index.ts';

const noClipboard = () => ({ piece: () => undefined, done: () => undefined });

function opcodesOf(pieces: readonly Uint8Array[]): readonly string[] {
  const reader = new InstructionDecoder('INTERNAL');
  return reader.push(Buffer.concat(pieces)).map(({ opcode }) => opcode);
}

/** What a viewer is shown of it where no clipboard may leave the machine, by opcode, in pieces of so many bytes. */
function shown(bytes: Uint8Array, step = bytes.length): string {
  let end = '';
  const guacd = new FromGuacd(
    { copy: false },
    {
      clipboard: noClipboard,
      denied: () => undefined,
      ended: (words) => (end = words === undefined ? ' over' : ' failed'),
    },
  );
  const decoder = new InstructionDecoder('TARGET_PROTOCOL_VIOLATION');
  const pieces: Uint8Array[] = [];
  try {
    for (let at = 0; at < bytes.length; at += step)
      pieces.push(...guacd.pass(decoder.push(bytes.subarray(at, at + step))).map((piece) => piece.bytes.slice()));
  } catch (failure) {
    if (!isFault(failure, 'TARGET_PROTOCOL_VIOLATION')) throw failure;
    end = ` ${failure.code}`;
  }
  const opcodes = opcodesOf(pieces);
  for (const hidden of ['clipboard', 'error', 'disconnect', 'file', 'pipe', 'argv', 'filesystem', 'body', 'required'])
    assert.ok(!opcodes.includes(hidden), hidden);
  return `${opcodes.join(' ')}${end}`.trim();
}

/** What guacd is told of it by somebody who may do all that anybody may. */
function told(bytes: Uint8Array): string {
  const viewer = new FromViewer(
    { control: true, paste: true, resize: true },
    { clipboard: noClipboard, denied: () => undefined, active: () => undefined, key: () => undefined },
  );
  try {
    const opcodes = opcodesOf(viewer.push(bytes));
    for (const never of ['file', 'pipe', 'put', 'argv', 'audio', 'disconnect', 'select', 'connect'])
      assert.ok(!opcodes.includes(never), never);
    return opcodes.join(' ');
  } catch (failure) {
    if (isFault(failure, 'PROTOCOL_MESSAGE_INVALID')) return failure.code;
    throw failure;
  }
}

describe('the corpus of guacd', () => {
  for (const { outcome, bytes, words } of readCorpus(join(import.meta.dirname, 'corpus', 'guacd.txt')))
    it(`comes to "${outcome.slice(0, 80)}": ${words}; cut anyhow to the same, and altered to what may be shown`, () => {
      assert.equal(shown(bytes), outcome);
      for (const step of [1, 7, 1_000]) if (!outcome.endsWith('VIOLATION')) assert.equal(shown(bytes, step), outcome);
      fc.assert(
        fc.property(altered(bytes), (hostile) => void shown(hostile)),
        { numRuns: 300 },
      );
    });
});

describe('the corpus of viewers', () => {
  for (const { outcome, bytes, words } of readCorpus(join(import.meta.dirname, 'corpus', 'viewer.txt')))
    it(`comes to "${outcome}": ${words}; and altered to what may be told`, () => {
      assert.equal(told(bytes), outcome);
      fc.assert(
        fc.property(altered(bytes), (hostile) => void told(hostile)),
        { numRuns: 300 },
      );
    });
});
