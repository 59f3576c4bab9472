import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { encodeRequest, readResponse, REQUEST, SftpDecoder, type SftpResponse } from './sftp-packets.ts';

/** VERSION 3 with the extensions of OpenSSH 9.2, as it sends them. */
const GREETING = packet(2, [
  [0, 0, 0, 3],
  ...['posix-rename@openssh.com', '1', 'statvfs@openssh.com', '2', 'limits@openssh.com', '1'].map(string),
]);

function packet(type: number, parts: readonly (readonly number[])[]): Uint8Array {
  const body = [type, ...parts.flat()];
  return Uint8Array.from([...word(body.length), ...body]);
}
function word(value: number): readonly number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
function string(text: string | readonly number[]): readonly number[] {
  const bytes = typeof text === 'string' ? [...Buffer.from(text)] : text;
  return [...word(bytes.length), ...bytes];
}

function decode(pieces: readonly Uint8Array[]): readonly SftpResponse[] {
  const decoder = new SftpDecoder();
  return pieces.flatMap((piece) => [...decoder.push(piece)]);
}

const violates = (error: unknown): boolean => isFault(error, 'TARGET_PROTOCOL_VIOLATION');

describe('answers of a file service', () => {
  it('are read: version, names with their attributes, data, status', () => {
    const [version] = decode([GREETING]);
    assert.ok(version?.type === 'version');
    assert.equal(version.version, 3);
    assert.equal(version.extensions.get('statvfs@openssh.com'), '2');
    const attributes = [
      ...word(15),
      ...word(1),
      ...word(2),
      ...word(1000),
      ...word(1000),
      ...word(0o100640),
      ...word(7),
      ...word(8),
    ];
    const [names] = decode([packet(104, [word(9), word(1), string([0xff, 0x41]), string('-rw'), attributes])]);
    assert.ok(names?.type === 'name');
    assert.deepEqual(names.entries, [
      { name: Uint8Array.of(0xff, 0x41), kind: 'file', size: 0x1_0000_0002, modifiedAt: 8_000, mode: 0o640 },
    ]);
    assert.deepEqual(decode([packet(101, [word(1), word(2), string('no'), string('')])]), [
      { type: 'status', id: 1, code: 2 },
    ]);
  });

  it('of long lines and short names keep the names alone', () => {
    const line = Array.from({ length: 200_000 }, () => 0x78);
    const [names] = decode([packet(104, [word(9), word(1), string('name'), string(line), word(0)])]);
    assert.ok(names?.type === 'name');
    assert.deepEqual(
      names.entries.map(({ name }) => name.buffer.byteLength),
      [4],
    );
  });

  it('mean the same however the stream is cut', () => {
    const stream = Buffer.concat([
      GREETING,
      packet(103, [word(1), string('some data')]),
      packet(102, [word(2), string('handle')]),
      packet(105, [word(3), word(0)]),
    ]);
    const whole = decode([stream]);
    assert.equal(whole.length, 4);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (places) => {
        const ends = [...new Set(places)].toSorted((a, b) => a - b);
        const pieces = [...ends, stream.length].map((end, index) => stream.subarray(ends[index - 1] ?? 0, end));
        assert.deepEqual(decode(pieces), whole);
      }),
    );
  });

  it('that lie about lengths and counts are refused before anything is made of them', () => {
    const lies: readonly Uint8Array[] = [
      Uint8Array.from(word(0xffff_ffff)),
      Uint8Array.from(word(2)),
      packet(103, [word(1), word(0x7fff_ffff)]),
      packet(104, [word(1), word(0xffff_ffff)]),
      packet(102, [word(1), string('h'.repeat(300))]),
      packet(105, [word(1), word(1), word(0xffff_ffff), word(0)]),
      packet(105, [word(1), word(0x8000_0000), word(0xffff_ffff)]),
      packet(99, [word(1)]),
    ];
    for (const lie of lies) assert.throws(() => decode([lie]), violates);
  });

  it('of noise are refused by the one fault, or read; nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.constantFrom(2, 101, 102, 103, 104, 105, 201, 7), fc.uint8Array({ minLength: 4, maxLength: 200 })),
        ([type, bytes]) => {
          try {
            readResponse(Uint8Array.from([type, ...bytes]));
          } catch (error) {
            assert.ok(violates(error), String(error));
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('requests', () => {
  it('hold their fields in the order and sizes of the draft', () => {
    const request = encodeRequest(REQUEST.READ, [
      { uint32: 7 },
      { string: Uint8Array.of(1, 2) },
      { uint64: 0x1_0000_0005 },
      { uint32: 0x8000 },
    ]);
    assert.deepEqual(
      [...request],
      [...word(23), 5, ...word(7), ...string([1, 2]), ...word(1), ...word(5), ...word(0x8000)],
    );
    assert.deepEqual(
      [...encodeRequest(REQUEST.SETSTAT, [{ uint32: 1 }, { string: '/a' }, { mode: 0o644 }])],
      [...word(19), 9, ...word(1), ...string('/a'), ...word(4), ...word(0o644)],
    );
  });
});
