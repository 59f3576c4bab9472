import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import type { CutText } from './cut-text.ts';
import { startingState, type RfbState } from './rfb-state.ts';
import { ServerMessages } from './server-messages.ts';

const SIZE = { width: 640, height: 480 };
const FORMAT = { bitsPerPixel: 32, tightBytes: 3 };

const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const u32 = (value: number): number[] => [
  (value >>> 24) & 0xff,
  (value >>> 16) & 0xff,
  (value >>> 8) & 0xff,
  value & 0xff,
];
const noise = (count: number): number[] => Array.from({ length: count }, (_, index) => (index * 37 + 11) & 0xff);

interface Box {
  readonly width: number;
  readonly height: number;
}
const box = fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) });
const rect = ({ width, height }: Box, encoding: number, body: readonly number[]): number[] => [
  ...[...u16(3), ...u16(4), ...u16(width), ...u16(height), ...u32(encoding)],
  ...body,
];
const compact = (length: number): number[] =>
  length < 0x80
    ? [length]
    : length < 0x4000
      ? [(length & 0x7f) | 0x80, length >> 7]
      : [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
const bytes = fc.nat({ max: 20_000 }).map(noise);

/** One rectangle of each encoding, as servers send them. */
const rectangle = fc.oneof(
  box.map((size) => rect(size, 0, noise(size.width * size.height * 4))),
  box.map((size) => rect(size, 1, noise(4))),
  fc.tuple(box, fc.nat({ max: 1 })).map(([size, n]) => rect(size, 2, [...u32(n), ...noise(4 + n * 12)])),
  fc.tuple(box, bytes).map(([size, body]) => rect(size, 16, [...u32(body.length), ...body])),
  fc.tuple(box, bytes).map(([size, body]) => rect(size, 6, [...u32(body.length), ...body])),
  box.map((size) => rect(size, 7, [0x80, 1, 2, 3])),
  fc.tuple(box, bytes).map(([size, body]) => rect(size, 7, [0x90, ...compact(body.length), ...body])),
  fc
    .tuple(box, bytes)
    .map(([size, body]) =>
      rect(
        size,
        7,
        size.width * size.height * 3 < 12
          ? [0x00, ...noise(size.width * size.height * 3)]
          : [0x00, ...compact(body.length), ...body],
      ),
    ),
  fc.tuple(box, fc.integer({ min: 3, max: 256 }), bytes).map(([size, colours, body]) => {
    const plain = size.width * size.height;
    const data = plain < 12 ? noise(plain) : [...compact(body.length), ...body];
    return rect(size, 7, [0x50, 1, colours - 1, ...noise(colours * 3), ...data]);
  }),
  box.map((size) => rect(size, 5, hextile(size))),
  fc.constant(rect({ width: 8, height: 8 }, -239, noise(8 * 8 * 4 + 8))),
  fc.constant(rect({ width: 640, height: 480 }, -223, [])),
  fc.constant(rect({ width: 640, height: 480 }, -308, [1, 0, 0, 0, ...noise(16)])),
  fc.constant(rect({ width: 0, height: 0 }, -307, [...u32(4), 0x64, 0x65, 0x73, 0x6b])),
  fc.constant(rect({ width: 0, height: 0 }, -261, [3])),
  fc.constant(rect({ width: 0, height: 0 }, -258, [])),
);

function hextile({ width, height }: Box): number[] {
  const out: number[] = [];
  for (let y = 0; y < height; y += 16)
    for (let x = 0; x < width; x += 16) {
      const area = Math.min(16, width - x) * Math.min(16, height - y);
      switch ((x / 16 + y / 16) % 3) {
        case 0:
          out.push(1, ...noise(area * 4));
          break;
        case 1:
          out.push(2 | 8 | 16, ...noise(4), 2, ...noise(2 * 6));
          break;
        default:
          out.push(4 | 8, ...noise(4), 1, ...noise(2));
      }
    }
  return out;
}

const update = fc.oneof(
  fc.array(rectangle, { maxLength: 4 }).map((rects) => [0, 0, ...u16(rects.length), ...rects.flat()]),
  fc
    .array(rectangle, { maxLength: 3 })
    .map((rects) => [0, 0, 0xff, 0xff, ...rects.flat(), ...rect({ width: 0, height: 0 }, -224, [])]),
);
const cutText = fc.nat({ max: 300 }).map((length) => [3, 0, 0, 0, ...u32(length), ...noise(length)]);
const message = fc.oneof(
  update,
  cutText,
  fc.constantFrom([2], [150], [1, 0, ...u16(0), ...u16(2), ...noise(12)], [248, 0, 0, 0, ...u32(1), 3, 7, 8, 9]),
);

const extended = (flags: number, body: readonly number[]): number[] => [
  ...[3, 0, 0, 0],
  ...u32(-(4 + body.length)),
  ...u32(flags),
  ...body,
];
/** Capabilities, a request, content and an announcement, as the extended clipboard has them. */
const EXTENDED = [
  extended(0x1f00_0001, u32(1_000)),
  extended(0x0200_0001, []),
  extended(0x1000_0001, noise(9)),
  extended(0x0800_0001, []),
] as const;

interface Heard {
  /** What the viewer gets, in its order. */
  readonly passed: Buffer;
  /** What of it is part of the picture. */
  readonly picture: Buffer;
  readonly clipboards: readonly CutText[];
  readonly denied: number;
  readonly state: RfbState;
}

function hear(stream: Uint8Array, cuts: readonly number[], copy: boolean): Heard {
  const passed: Buffer[] = [];
  const picture: Buffer[] = [];
  const clipboards: CutText[] = [];
  let denied = 0;
  const state = startingState(SIZE, FORMAT);
  const messages = new ServerMessages(
    state,
    { copy },
    {
      pass: (part) => {
        passed.push(Buffer.from(part));
        picture.push(Buffer.from(part));
      },
      aside: (message) => passed.push(Buffer.from(message)),
      cutText: (one) => clipboards.push(one),
      denied: () => denied++,
    },
  );
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b), stream.length]) {
    if (to > from) messages.push(stream.slice(from, to));
    from = to;
  }
  return { passed: Buffer.concat(passed), picture: Buffer.concat(picture), clipboards, denied, state };
}

describe('the framing of what a server sends', () => {
  it('passes every stream byte for byte, however the network cuts it', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (list, cuts) => {
        const stream = Uint8Array.from(list.flat());
        assert.ok(hear(stream, cuts, true).passed.equals(stream));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps every message of the clipboard apart from the picture, in its turn', () => {
    const ofClipboard = fc.oneof(cutText, fc.constantFrom(...EXTENDED));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(message, ofClipboard), { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (list, cuts) => {
          const { passed, picture } = hear(Uint8Array.from(list.flat()), cuts, true);
          assert.ok(passed.equals(Uint8Array.from(list.flat())));
          assert.ok(picture.equals(Uint8Array.from(list.filter(([type]) => type !== 3).flat())));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes out clipboards, and nothing else, where copying is not permitted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(update, cutText), { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (list, cuts) => {
          const stream = Uint8Array.from(list.flat());
          const expected = Uint8Array.from(list.filter(([type]) => type !== 3).flat());
          const { passed, clipboards } = hear(stream, cuts, false);
          assert.ok(passed.equals(expected));
          assert.equal(clipboards.length, 0);
        },
      ),
    );
  });

  it('lets capabilities and requests of the extended clipboard through, and withholds what it brings', () => {
    const [caps, request, provide] = EXTENDED;
    const stream = Uint8Array.from([...caps, ...provide, ...request]);
    assert.deepEqual([...hear(stream, [5, 11], false).passed], [...caps, ...request]);
    assert.equal(hear(stream, [], true).clipboards.length, 1);
  });

  it('tells of each text that it withholds, and of nothing else', () => {
    const [caps, request, provide, notify] = EXTENDED;
    const texts = [[3, 0, 0, 0, ...u32(2), 0x61, 0x62], provide, notify];
    const others = [[3, 0, 0, 0, ...u32(0)], extended(0x0800_0000, []), extended(0x1000_0004, noise(9)), caps, request];
    assert.equal(hear(Uint8Array.from(texts.flat()), [3, 11], false).denied, texts.length);
    assert.equal(hear(Uint8Array.from(others.flat()), [3, 11], false).denied, 0);
    assert.equal(hear(Uint8Array.from([...texts, ...others].flat()), [], true).denied, 0);
  });

  it('lets nothing through that holds more than text and words about it, also where copying is permitted', () => {
    const others = [
      extended(0x1000_0005, noise(9)),
      extended(0x1000_0004, noise(9)),
      extended(0x1000_0000, noise(9)),
      extended(0x0800_0001, noise(9)),
      extended(0x0200_0001, noise(9)),
      extended(0x0400_0001, noise(9)),
      extended(0x1f00_0001, noise(65)),
      extended(0x0000_0001, noise(9)),
      extended(0x1800_0001, noise(9)),
    ];
    const bell = [2];
    const { passed, clipboards } = hear(Uint8Array.from([...others.flat(), ...bell]), [7], true);
    assert.deepEqual([...passed], bell);
    assert.deepEqual(clipboards, []);
  });

  it('follows the size of the desktop', () => {
    const stream = Uint8Array.from([0, 0, ...u16(1), ...rect({ width: 1024, height: 700 }, -308, [0, 0, 0, 0])]);
    assert.deepEqual(hear(stream, [], true).state.size, { width: 1024, height: 700 });
  });

  it('refuses what would cost the browser its memory, and what it cannot frame', () => {
    const updateOf = (...one: number[]): number[] => [0, 0, ...u16(1), ...one];
    const zero = [...u16(0), ...u16(0)];
    for (const [stream, words] of [
      [updateOf(...zero, ...u16(65_535), ...u16(65_535), ...u32(-223)), /65535 × 65535/],
      [updateOf(...zero, ...u16(65_535), ...u16(65_535), ...u32(-308), 0, 0, 0, 0), /65535 × 65535/],
      [updateOf(...zero, ...u16(5_000), ...u16(5_000), ...u32(-239), 0), /cursor/],
      [updateOf(...rect({ width: 640, height: 480 }, 0, [])), /outside a desktop/],
      [updateOf(...rect({ width: 1, height: 1 }, 21, [])), /encoding 21/],
      [updateOf(...rect({ width: 1, height: 1 }, 2, u32(0xffff_ffff))), /sub-rectangles/],
      [updateOf(...rect({ width: 1, height: 1 }, 16, u32(0xffff_ffff))), /4294967295 bytes/],
      [updateOf(...rect({ width: 9, height: 9 }, 7, [0xb0])), /compression 11/],
      [updateOf(...rect({ width: 9, height: 9 }, 7, [0x40, 9])), /filter 9/],
      [[3, 0, 0, 0, ...u32(0x7fff_ffff)], /clipboard of 2147483647/],
      [[3, 0, 0, 0, ...u32(0x8000_0000)], /clipboard of 2147483648/],
      [[99], /message 99/],
    ] as const) {
      assert.throws(() => hear(Uint8Array.from(stream), [], true), words);
    }
  });

  it('answers any bytes with bytes or a fault, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.array(fc.nat(), { maxLength: 5 }), (hostile, cuts) => {
        try {
          hear(hostile, cuts, true);
        } catch (cause) {
          assert.ok(isFault(cause, 'TARGET_PROTOCOL_VIOLATION'), String(cause));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What a real server said behind its ServerInit, on a desktop of 320 × 240. What an altered copy found wrong is kept beside them. */
const FIXTURES = join(import.meta.dirname, 'fixtures');
const CORPUS = readdirSync(FIXTURES).map((name) => [name, readFileSync(join(FIXTURES, name))] as const);

describe('what real servers said', () => {
  it('passes byte for byte, however the network cuts it', () => {
    assert.ok(CORPUS.length >= 3);
    for (const [name, stream] of CORPUS)
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
          assert.ok(hear(stream, cuts, true).passed.equals(stream), name);
        }),
        { numRuns: 50 },
      );
  });

  it('is taken altered, or refused with a reason, and never makes more of itself', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CORPUS),
        fc.array(fc.tuple(fc.nat(12_000), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        fc.option(fc.tuple(fc.nat(12_000), fc.uint8Array({ maxLength: 30 }))),
        ([, stream], changes, inserted) => {
          let bytes = Buffer.from(stream);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          if (inserted !== null) {
            const at = inserted[0] % bytes.length;
            bytes = Buffer.concat([bytes.subarray(0, at), inserted[1], bytes.subarray(at)]);
          }
          try {
            assert.ok(hear(bytes, [7, 500], true).passed.length <= bytes.length);
          } catch (failure) {
            assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
