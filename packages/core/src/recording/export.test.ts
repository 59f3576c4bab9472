import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EscapeStripper, toAsciicast, toPlainText } from './export.ts';
import type { RecordingDescription, RecordingEvent, TimedRecordingEvent } from './recorder.ts';

const description: RecordingDescription = {
  sessionId: 's',
  user: { id: 'u', name: 'ada', address: '192.0.2.1' },
  target: { id: 't', name: 'db-1', address: 'db:22' },
  ...{
    protocol: 'example',
    surface: 'terminal',
    policy: { strict: true, input: 'off' },
    node: 'n',
    softwareVersion: '1',
  },
  startedAt: 1_700_000_000_500,
};

async function* timed(...events: RecordingEvent[]): AsyncGenerator<TimedRecordingEvent> {
  for (const [index, event] of events.entries())
    yield await Promise.resolve({ atUs: index * 250_000, chunk: 1, event });
}

const output = (value: string | Uint8Array): RecordingEvent => ({ kind: 'output', bytes: Buffer.from(value) });

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const out: string[] = [];
  for await (const line of lines) out.push(line);
  return out;
}

describe('asciicast', () => {
  it('has a header of version 2 with the first size, then events in seconds', async () => {
    const lines = await collect(
      toAsciicast(
        description,
        timed(
          { kind: 'join', viewer: 'v', user: 'u', mode: 'control' },
          { kind: 'resize', columns: 120, rows: 40 },
          output('a\u001b[1m'),
          {
            kind: 'resize',
            columns: 80,
            rows: 24,
          },
        ),
      ),
    );
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { version: 2, width: 120, height: 40, timestamp: 1_700_000_000, title: 'db-1' },
        [0.5, 'o', 'a\u001b[1m'],
        [0.75, 'r', '80x24'],
      ],
    );
  });

  it('joins a character that two events split', async () => {
    const bytes = Buffer.from('ü');
    const lines = await collect(
      toAsciicast(description, timed(output(bytes.subarray(0, 1)), output(bytes.subarray(1)))),
    );
    assert.equal(
      lines
        .slice(1)
        .map((line) => (JSON.parse(line) as string[])[2])
        .join(''),
      'ü',
    );
  });

  it('is a header alone for a recording without output', async () => {
    assert.equal((await collect(toAsciicast(description, timed()))).length, 1);
  });
});

describe('plain text', () => {
  it('leaves out sequences of every kind, wherever they are split', async () => {
    const dirty =
      'one \u001b[31mred\u001b[0m\r\n\u001b]0;title\u0007two\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\\n\u001bPq#0\u001b\\three\u001b(B\u009b5mfour\u0000\u0008\u007f\tfive\u001b7\n';
    const clean = 'one red\ntwolink\nthreefour\tfive\n';
    for (let at = 0; at <= dirty.length; at++) {
      const stripper = new EscapeStripper();
      assert.equal(stripper.strip(dirty.slice(0, at)) + stripper.strip(dirty.slice(at)), clean);
    }
    assert.equal(
      (await collect(toPlainText(timed(output(dirty), { kind: 'input', bytes: Buffer.from('secret') })))).join(''),
      clean,
    );
  });

  it('never lets a control character but tab and newline through', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (pieces) => {
        const stripper = new EscapeStripper();
        assert.doesNotMatch(
          pieces.map((piece) => stripper.strip(piece)).join(''),
          /[\0-\u0008\u000b-\u001f\u007f-\u009f]/,
        );
      }),
    );
  });
});
