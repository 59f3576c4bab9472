import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import {
  encodeEnvironment,
  encodeInput,
  encodeNegotiation,
  encodeTerminalType,
  encodeWindowSize,
  Negotiation,
  OPTION,
  readEnvironmentRequest,
  TelnetDecoder,
  type TelnetEvent,
} from './index.ts';
import { VERBS, type Verb } from './protocol.ts';

/** What inetutils telnetd 2.4 opens with. */
const GREETING = Buffer.from('fffb25fffb26fffd18fffd20fffd23fffd27fffd24', 'hex');

function decode(pieces: readonly Uint8Array[], binary = false): readonly TelnetEvent[] {
  const decoder = new TelnetDecoder();
  decoder.binary = binary;
  return pieces.flatMap((piece) => [...decoder.push(piece)]);
}

/** Data joined, so that two ways of cutting compare. */
function meaning(events: readonly TelnetEvent[]): unknown {
  return {
    data: Buffer.concat(events.flatMap((event) => (event.kind === 'data' ? [event.bytes] : []))).toString('hex'),
    rest: events
      .filter((event) => event.kind !== 'data')
      .map((event) =>
        event.kind === 'subnegotiation' ? { ...event, bytes: Buffer.from(event.bytes).toString('hex') } : event,
      ),
  };
}

function cut(bytes: Uint8Array, at: readonly number[]): readonly Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

/** Bytes in which what matters is frequent. */
const noise = fc
  .array(
    fc.oneof(
      fc.constantFrom(0, 10, 13, 240, 241, 250, 251, 252, 253, 254, 255, 1, 3, 24, 31, 39),
      fc.integer({ min: 0, max: 255 }),
    ),
    { maxLength: 300 },
  )
  .map((bytes) => Uint8Array.from(bytes));

describe('the decoder', () => {
  it('reads the greeting of a real telnetd', () => {
    assert.deepEqual(
      decode([GREETING]),
      [
        ['WILL', 37],
        ['WILL', 38],
        ['DO', 24],
        ['DO', 32],
        ['DO', 35],
        ['DO', 39],
        ['DO', 36],
      ].map(([verb, option]) => ({ kind: 'negotiation', verb, option })),
    );
  });

  it('hands plain output over without a copy', () => {
    const bytes = Buffer.from('plain\r\ntext');
    const [event] = decode([bytes]);
    assert.ok(event?.kind === 'data' && event.bytes === bytes);
  });

  it('takes NUL from behind CR, across pieces too, and keeps it in binary', () => {
    const pieces = [Buffer.from('a\r'), Buffer.from('\0b\0\r\0')];
    assert.equal((meaning(decode(pieces)) as { data: string }).data, Buffer.from('a\rb\0\r').toString('hex'));
    assert.equal((meaning(decode(pieces, true)) as { data: string }).data, Buffer.from('a\r\0b\0\r\0').toString('hex'));
  });

  it('reads a subnegotiation with a doubled IAC, and obeys a command in place of its end', () => {
    const [event] = decode([Buffer.from([255, 250, 24, 1, 255, 255, 2, 255, 240])]);
    assert.ok(event?.kind === 'subnegotiation');
    assert.deepEqual([...event.bytes], [1, 255, 2]);
    assert.deepEqual(decode([Buffer.from([255, 250, 24, 1, 255, 251, 1])]), [
      { kind: 'negotiation', verb: 'WILL', option: 1 },
    ]);
  });

  it('means the same however the stream is cut', () => {
    fc.assert(
      fc.property(noise, fc.array(fc.nat(400), { maxLength: 20 }), fc.boolean(), (bytes, places, binary) => {
        assert.deepEqual(meaning(decode(cut(bytes, places), binary)), meaning(decode([bytes], binary)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives at most one piece of data for a piece received, and never more bytes', () => {
    fc.assert(
      fc.property(noise, (bytes) => {
        const data = decode([bytes]).filter((event) => event.kind === 'data');
        assert.ok(data.length <= 1 && (data[0]?.bytes.length ?? 0) <= bytes.length);
      }),
    );
  });

  it('refuses a subnegotiation without end, before memory notices', () => {
    const decoder = new TelnetDecoder();
    assert.deepEqual([...decoder.push(Buffer.from([255, 250, 24]))], []);
    assert.throws(
      () => [...decoder.push(new Uint8Array(5_000).fill(65))],
      (error) => isFault(error, 'TARGET_PROTOCOL_VIOLATION'),
    );
  });
});

describe('what we send', () => {
  it('is read by a decoder as it was typed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        // As a server reads: binary takes everything as it is.
        const wire = encodeInput(bytes, 'nothing');
        assert.equal((meaning(decode([wire], true)) as { data: string }).data, Buffer.from(bytes).toString('hex'));
      }),
    );
  });

  it('completes a return by NUL or LF, and leaves one that has its LF', () => {
    assert.equal(Buffer.from(encodeInput(Buffer.from('a\rb\r\nc\r'), 'nul')).toString(), 'a\r\0b\r\nc\r\0');
    assert.equal(Buffer.from(encodeInput(Buffer.from('a\rb\r\nc\r'), 'lf')).toString(), 'a\r\nb\r\nc\r\n');
  });

  it('doubles IAC in sizes and names', () => {
    assert.deepEqual([...encodeWindowSize(255, 80)], [255, 250, 31, 0, 255, 255, 0, 80, 255, 240]);
    assert.equal(Buffer.from(encodeTerminalType('vt100')).toString('latin1'), '\xff\xfa\x18\0vt100\xff\xf0');
    assert.deepEqual([...encodeNegotiation({ verb: 'WONT', option: 255 })], [255, 252, 255]);
  });

  it('answers a request for the environment by name, by type and for all', () => {
    const variables = { LANG: 'de\u0001', EMPTY: '' };
    const answer = (request: readonly number[]): string => {
      const wanted = readEnvironmentRequest(Uint8Array.from(request));
      assert.ok(wanted);
      return Buffer.from(encodeEnvironment(wanted, variables)).toString('latin1').slice(3, -2);
    };
    const all = '\0\x03LANG\x01de\x02\x01\x03EMPTY\x01';
    assert.equal(answer([1]), all);
    assert.equal(answer([1, 3]), all);
    assert.equal(answer([1, 0, ...Buffer.from('LANG'), 3, ...Buffer.from('HOME')]), '\0\0LANG\x01de\x02\x01\x03HOME');
    assert.equal(answer([1, 0, ...Buffer.from('__proto__')]), '\0\0__proto__');
    assert.equal(readEnvironmentRequest(Uint8Array.from([0, 1])), undefined);
    assert.equal(readEnvironmentRequest(new Uint8Array()), undefined);
  });
});

describe('the negotiation', () => {
  const make = (): Negotiation => new Negotiation({ local: new Set([OPTION.NAWS]), remote: new Set([OPTION.ECHO]) });

  it('accepts what we speak, refuses the rest, and answers no change', () => {
    const negotiation = make();
    assert.deepEqual(negotiation.receive('WILL', OPTION.ECHO), {
      reply: { verb: 'DO', option: 1 },
      changed: { side: 'remote', option: 1, on: true },
    });
    assert.equal(negotiation.receive('WILL', OPTION.ECHO).reply, undefined);
    assert.deepEqual(negotiation.receive('DO', OPTION.ECHO).reply, { verb: 'WONT', option: 1 });
    assert.deepEqual(negotiation.receive('DO', 200).reply, { verb: 'WONT', option: 200 });
    assert.deepEqual(negotiation.receive('WONT', OPTION.ECHO).reply, { verb: 'DONT', option: 1 });
    assert.equal(negotiation.receive('WONT', OPTION.ECHO).reply, undefined);
  });

  it('takes the answer to what it asked for without a word', () => {
    const negotiation = make();
    assert.deepEqual(negotiation.ask('local', OPTION.BINARY), { verb: 'WILL', option: 0 });
    assert.equal(negotiation.ask('local', OPTION.BINARY), undefined);
    assert.deepEqual(negotiation.receive('DO', OPTION.BINARY), {
      reply: undefined,
      changed: { side: 'local', option: 0, on: true },
    });
    assert.ok(negotiation.isOn('local', OPTION.BINARY));
  });

  it('falls silent with any other that behaves alike, whatever was said before', () => {
    const verb = fc.constantFrom<Verb>('WILL', 'WONT', 'DO', 'DONT');
    const mirror: Record<Verb, Verb> = { WILL: 'WILL', WONT: 'WONT', DO: 'DO', DONT: 'DONT' };
    fc.assert(
      fc.property(fc.array(fc.tuple(verb, fc.constantFrom(0, 1, 3, 31, 77)), { maxLength: 50 }), (before) => {
        const [ours, theirs] = [make(), make()];
        let open = before.flatMap(([said, option]) => ours.receive(said, option).reply ?? []);
        let rounds = 0;
        for (let side = theirs; open.length > 0; side = side === theirs ? ours : theirs) {
          open = open.flatMap((reply) => side.receive(mirror[reply.verb], reply.option).reply ?? []);
          assert.ok((rounds += 1) < 5, 'the exchange goes on');
        }
      }),
    );
    assert.equal(Object.keys(VERBS).length, 4);
  });
});
