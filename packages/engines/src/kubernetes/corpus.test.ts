import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { altered, readCorpus } from '@enchilada/core/testing/corpus';
import { outcomeOf, readFrame, type Subprotocol } from './codec/index.ts';

/** One message of the API server, and where it is a status what the session ends with. */
function meaningOf(message: Uint8Array, subprotocol: Subprotocol): string {
  try {
    const frame = readFrame(message, subprotocol);
    if (frame.kind === 'closed') return `closed ${frame.channel}`;
    if (frame.kind === 'output') return `output ${frame.bytes.length}`;
    const { exitCode, exitSignal } = outcomeOf(new TextDecoder().decode(frame.bytes));
    return ['status', exitCode, exitSignal].filter((word) => word !== undefined).join(' ');
  } catch (failure) {
    if (isFault(failure)) return failure.code;
    throw failure;
  }
}

describe('the corpus of channel frames', () => {
  for (const { outcome, bytes, words } of readCorpus(join(import.meta.dirname, 'corpus', 'channel-frames.txt')))
    it(`comes to "${outcome}": ${words}; and altered to what it may`, () => {
      const [v5 = '', v4 = v5] = outcome.split(', in v4 ');
      assert.deepEqual([meaningOf(bytes, 'v5.channel.k8s.io'), meaningOf(bytes, 'v4.channel.k8s.io')], [v5, v4]);
      fc.assert(
        fc.property(altered(bytes), (hostile) => {
          for (const subprotocol of ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const)
            assert.match(meaningOf(hostile, subprotocol), /^(?:output \d+|closed [123]|status.*|TARGET_[A-Z_]+)$/u);
        }),
        { numRuns: 300 },
      );
    });
});
