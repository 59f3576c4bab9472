import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { ascii, joinBytes, joinNeighbours, violation } from './bytes.ts';
import { der, derChildren, derNumber, explicit, integer, octets, readDer, sequence } from './der.ts';
import { md4 } from './md4.ts';
import { PduFramer } from './pdu-framer.ts';
import { Rc4 } from './rc4.ts';
import { cleanPathResponse, parseCleanPathRequest } from './rdcleanpath.ts';
import {
  connectionConfirm,
  connectionRequest,
  isWithoutTls,
  parseConnectionConfirm,
  requestedProtocols,
} from './x224.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('MD4 and RC4', () => {
  it('hash as the test suite of RFC 1320 says', () => {
    for (const [text, digest] of [
      ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
      ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
      ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
      ['message digest', 'd9130a8164549fe818874806e1c7014b'],
      [
        '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
        'e33b4ddc9c38f2199c3e7b164fcc0536',
      ],
    ] as const)
      assert.equal(hex(md4(ascii(text))), digest);
  });

  it('encrypts as RFC 6229 says, over several calls', () => {
    const cipher = new Rc4(Uint8Array.of(1, 2, 3, 4, 5));
    assert.equal(hex(cipher.update(new Uint8Array(16))), 'b2396305f03dc027ccc3524a0a1118a8');
    assert.equal(hex(cipher.update(new Uint8Array(16))), '6982944f18fc82d589c403a47a0d0919');
  });
});

describe('DER', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.nat(), (bytes, number) => {
        const whole = readDer(sequence(explicit(0, integer(number)), explicit(1, octets(bytes))));
        assert.ok(whole);
        const [first, second] = derChildren(whole.value);
        assert.equal(derNumber(readDer(first!.value)!.value), number);
        assert.equal(hex(readDer(second!.value)!.value), hex(bytes));
      }),
      { numRuns: 50 },
    );
  });

  it('asks for more while a value is cut, and says what is none', () => {
    const whole = der(0x30, new Uint8Array(300));
    for (const at of [0, 1, 2, 3, 100, whole.length - 1]) assert.equal(readDer(whole.subarray(0, at)), undefined);
    assert.equal(readDer(Uint8Array.of(0x30, 0x80, 0, 0)), null);
    assert.equal(readDer(Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)), null);
  });
});

describe('X.224 and RDCleanPath', () => {
  it('asks for TLS and network level authentication, with a routing token in front', () => {
    assert.equal(hex(connectionRequest(11, '')), '030000130ee000000000000100' + '08000b000000');
    const routed = connectionRequest(3, 'Cookie: mstshash=ada');
    assert.match(Buffer.from(routed).toString('latin1'), /Cookie: mstshash=ada\r\n\u0001/u);
    assert.equal(routed.length, (routed[2]! << 8) | routed[3]!);
  });

  it('reads what a server chose, and why one refused', () => {
    assert.deepEqual(parseConnectionConfirm(connectionConfirm(0x1f, 8)), { protocol: 8, flags: 0x1f });
    const refusal = connectionConfirm(0, 5);
    refusal[11] = 3;
    assert.deepEqual(parseConnectionConfirm(refusal), { refusal: 'it demands network level authentication', code: 5 });
    assert.deepEqual(parseConnectionConfirm(connectionConfirm(0, 1).subarray(0, 11)), { protocol: 0, flags: 0 });
  });

  it('tells who has nothing but RDP’s own encryption', () => {
    const refusing = (code: number): Uint8Array => {
      const pdu = connectionConfirm(0, code);
      pdu[11] = 3;
      return pdu;
    };
    for (const [pdu, isWithout] of [
      [connectionConfirm(0, 0), true],
      [connectionConfirm(0, 1).subarray(0, 11), true],
      [refusing(2), true],
      [refusing(5), false],
      [connectionConfirm(0, 1), false],
      [connectionConfirm(0, 2), false],
    ] as const)
      assert.equal(isWithoutTls(parseConnectionConfirm(pdu)), isWithout);
  });

  it('takes a viewer’s request and nothing else', () => {
    const x224 = connectionRequest(1, '');
    const request = sequence(explicit(0, integer(3390)), explicit(6, octets(x224)));
    const parsed = parseCleanPathRequest(request);
    assert.ok(parsed);
    assert.equal(hex(parsed.request.x224), hex(x224));
    assert.equal(parseCleanPathRequest(request.subarray(0, 9)), undefined);
    assert.equal(parseCleanPathRequest(ascii('GET / HTTP/1.1')), null);
    assert.equal(parseCleanPathRequest(sequence(explicit(0, integer(1)), explicit(6, octets(x224)))), null);
    const answer = readDer(cleanPathResponse('host', connectionConfirm(0, 1), [Uint8Array.of(1, 2, 3)]));
    assert.deepEqual(answer && derChildren(answer.value).map(({ tag }) => tag), [0xa0, 0xa6, 0xa7, 0xa9]);
  });

  it('takes any bytes for a Connection Confirm or Request, or refuses them', () => {
    const head = fc.constantFrom([3, 0, 0, 19, 14, 0xd0], [3, 0, 0, 19, 14, 0xe0], []);
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 40 }), (begins, rest) => {
        const bytes = Uint8Array.from([...begins, ...rest]);
        assert.ok(requestedProtocols(bytes) >= 0);
        try {
          const found = parseConnectionConfirm(bytes);
          assert.ok('refusal' in found ? found.refusal !== '' : found.protocol >= 0);
        } catch (failure) {
          assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('answers any bytes with a request, a wish for more, or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (hostile) => {
        parseCleanPathRequest(hostile);
        readDer(hostile);
        derChildren(hostile);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('joining', () => {
  it('takes neighbours as they lie, and copies what is none', () => {
    const whole = Uint8Array.from({ length: 20 }, (_, index) => index);
    const parts = [whole.subarray(2, 5), whole.subarray(5, 5), whole.subarray(5, 9)];
    assert.equal(joinNeighbours(parts).buffer, whole.buffer);
    for (const list of [
      parts,
      [],
      parts.toReversed(),
      [whole.subarray(2, 5), whole.subarray(6, 9)],
      [whole, whole.slice(1)],
    ])
      assert.deepEqual(joinNeighbours(list), joinBytes(...list));
  });
});

describe('the framing of PDUs', () => {
  const pdu = fc.oneof(
    fc
      .integer({ min: 7, max: 300 })
      .map((length) => [3, 0, length >> 8, length & 0xff, ...new Array<number>(length - 4).fill(9)]),
    fc.integer({ min: 3, max: 127 }).map((length) => [0, length, ...new Array<number>(length - 2).fill(7)]),
    fc
      .integer({ min: 128, max: 400 })
      .map((length) => [0x04, 0x80 | (length >> 8), length & 0xff, ...new Array<number>(length - 3).fill(7)]),
  );

  it('finds each PDU, however the network cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(pdu, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (list, cuts, atOnce) => {
          const stream = Uint8Array.from(list.flat());
          const ends = [...cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b), stream.length];
          const chunks = ends.map((to, index) => stream.slice(index === 0 ? 0 : ends[index - 1], to));
          const framer = new PduFramer(violation);
          const found: string[] = [];
          for (let from = 0; from < chunks.length; from += atOnce) {
            const pdus = framer.push(...chunks.slice(from, from + atOnce));
            if (pdus[0] !== undefined) assert.equal(joinNeighbours(pdus).buffer, pdus[0].buffer);
            found.push(...pdus.map(hex));
          }
          assert.deepEqual(
            found,
            list.map((one) => hex(Uint8Array.from(one))),
          );
        },
      ),
    );
  });

  it('takes any bytes, in any pieces, or refuses them, and keeps no more than one PDU', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (pieces) => {
        const framer = new PduFramer(violation);
        try {
          for (const piece of pieces) for (const one of framer.push(piece)) assert.ok(one.length <= 0xffff);
        } catch (failure) {
          assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses what is no PDU', () => {
    for (const bytes of [
      [3, 0, 0, 4, 1],
      [0, 1, 1],
      [0x80 | 1, 2, 3],
      [0x40, 9, 9],
    ])
      assert.throws(() => new PduFramer(violation).push(Uint8Array.from(bytes)), { code: 'TARGET_PROTOCOL_VIOLATION' });
  });
});
