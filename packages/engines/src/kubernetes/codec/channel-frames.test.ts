import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import {
  CHANNEL,
  inputFrame,
  isName,
  namesOf,
  outcomeOf,
  podOf,
  readFrame,
  readStatus,
  resizeFrame,
  SUBPROTOCOLS,
} from './index.ts';

const bytes = fc.uint8Array({ maxLength: 300 });

describe('a message of the API server', () => {
  it('is output, status, an end of one stream, or a breach, and nothing else', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...SUBPROTOCOLS), (message, subprotocol) => {
        try {
          const frame = readFrame(message, subprotocol);
          const [channel] = message;
          if (frame.kind === 'closed') assert.deepEqual([channel, message.length], [CHANNEL.close, 2]);
          else assert.deepEqual(frame.bytes, message.subarray(1));
          assert.equal(frame.kind === 'output', channel === CHANNEL.stdout || channel === CHANNEL.stderr);
        } catch (failure) {
          assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'));
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('closes no stream in v4, and none that the server does not write', () => {
    assert.deepEqual(readFrame(Uint8Array.of(255, 1), 'v5.channel.k8s.io'), { kind: 'closed', channel: 1 });
    for (const [message, subprotocol] of [
      [Uint8Array.of(255, 1), 'v4.channel.k8s.io'],
      [Uint8Array.of(255), 'v5.channel.k8s.io'],
      [Uint8Array.of(255, 0), 'v5.channel.k8s.io'],
      [Uint8Array.of(255, 1, 1), 'v5.channel.k8s.io'],
      [Uint8Array.of(0, 65), 'v5.channel.k8s.io'],
      [Uint8Array.of(), 'v5.channel.k8s.io'],
    ] as const)
      assert.throws(() => readFrame(message, subprotocol), { code: 'TARGET_PROTOCOL_VIOLATION' });
  });
});

describe('what is sent', () => {
  it('is the typed bytes behind their channel', () => {
    fc.assert(
      fc.property(bytes, (typed) => {
        const message = inputFrame(typed);
        assert.equal(message[0], CHANNEL.stdin);
        assert.deepEqual(message.subarray(1), typed);
      }),
    );
  });

  it('has a size that fits, whatever a browser says', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (columns, rows) => {
        const message = resizeFrame({ columns, rows });
        assert.equal(message[0], CHANNEL.resize);
        const { Width, Height } = JSON.parse(Buffer.from(message.subarray(1)).toString()) as Record<string, number>;
        for (const size of [Width, Height]) assert.ok(Number.isInteger(size) && size! >= 1 && size! <= 65_535);
      }),
    );
  });
});

describe('a status', () => {
  it('is read whatever JSON comes, and its words steer no screen', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        const status = readStatus(text);
        if (status === undefined) return;
        assert.doesNotMatch(status.message, /\p{Cc}/u);
      }),
      { numRuns: 2_000 },
    );
    const hostile = { status: 'Failure', message: `\u001b[2J\u202e${'x'.repeat(9_000)}`, reason: 7, details: [] };
    const read = readStatus(JSON.stringify(hostile));
    assert.equal(read?.message.length, 300);
    assert.doesNotMatch(read.message, /[\u001b\u202e]/u);
  });

  it('says how a command ended', () => {
    const failed = (code: string) =>
      JSON.stringify({
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'Other' }, { reason: 'ExitCode', message: code }] },
      });
    assert.deepEqual(outcomeOf('{"status":"Success"}'), { exitCode: 0 });
    assert.deepEqual(outcomeOf(failed('7')), { exitCode: 7 });
    assert.deepEqual(outcomeOf(failed('143')), { exitCode: 143, exitSignal: 'SIGTERM' });
    assert.equal(outcomeOf(failed('-1')).exitCode, undefined);
    assert.throws(() => outcomeOf('nothing'), { code: 'TARGET_PROTOCOL_VIOLATION' });
  });
});

describe('objects of the API', () => {
  it('are read whatever comes, and give names only', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const name of namesOf(value)?.names ?? []) assert.ok(isName(name));
        podOf(value);
      }),
      { numRuns: 2_000 },
    );
    const list = {
      items: [{ metadata: { name: '../x' } }, { metadata: { name: 'a-1' } }, null, 7],
      metadata: { continue: 'n' },
    };
    assert.deepEqual(namesOf(list), { names: ['a-1'], next: 'n' });
    assert.equal(podOf({ metadata: { name: 'A' } }), undefined);
  });
});
