import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { ClientMessages, type ClientPolicy } from './client-messages.ts';
import { chooseEncodings } from './encodings.ts';
import { startingState } from './rfb-state.ts';

const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const u32 = (value: number): number[] => [
  (value >>> 24) & 0xff,
  (value >>> 16) & 0xff,
  (value >>> 8) & 0xff,
  value & 0xff,
];

const ALL: ClientPolicy = { control: true, paste: true, resize: true, encodings: (wanted) => wanted };
const NONE: ClientPolicy = { control: false, paste: false, resize: false, encodings: (wanted) => wanted };
const FORMAT = [0, 0, 0, 0, 32, 24, 0, 1, ...u16(255), ...u16(255), ...u16(255), 0, 8, 16, 0, 0, 0];
const REQUEST = [3, 1, ...u16(0), ...u16(0), ...u16(640), ...u16(480)];
const KEY = [4, 1, 0, 0, ...u32(0x61)];
const POINTER = [5, 1, ...u16(10), ...u16(20)];
const PASTE = [6, 0, 0, 0, ...u32(5), 0x68, 0x65, 0x6c, 0x6c, 0x6f];
const RESIZE = [251, 0, ...u16(800), ...u16(600), 1, 0, ...Array.from({ length: 16 }, () => 0)];
const QEMU_KEY = [255, 0, ...u16(1), ...u32(0x61), ...u32(30)];
const CONTINUOUS = [150, 1, ...u16(0), ...u16(0), ...u16(640), ...u16(480)];
const FENCE = [248, 0, 0, 0, ...u32(1), 3, 1, 2, 3];
const XVP = [250, 0, 1, 2];
const CAPS = [6, 0, 0, 0, ...u32(-8), ...u32(0x1f00_0001), ...u32(0)];
const ASK = [6, 0, 0, 0, ...u32(-4), ...u32(0x0200_0001)];
const TYPED = [KEY, POINTER, PASTE, CAPS, ASK, RESIZE, QEMU_KEY, XVP];
const HARMLESS = [REQUEST, CONTINUOUS, FENCE];

interface Heard {
  readonly out: number[];
  readonly active: number;
  readonly pasted: number;
  readonly denied: number;
  readonly did: readonly unknown[];
}

function say(stream: readonly number[], policy: ClientPolicy, cuts: readonly number[] = []): Heard {
  let active = 0;
  let pasted = 0;
  let denied = 0;
  const did: unknown[] = [];
  const messages = new ClientMessages(
    startingState({ width: 640, height: 480 }, { bitsPerPixel: 32, tightBytes: 3 }),
    policy,
    {
      active: () => active++,
      cutText: () => pasted++,
      denied: () => denied++,
      key: (stroke) => did.push(stroke),
      pointer: (place) => did.push(place),
    },
  );
  const bytes = Uint8Array.from(stream);
  const out: number[] = [];
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    for (const part of messages.push(bytes.slice(from, to))) out.push(...part);
    from = to;
  }
  return { out, active, pasted, denied, did };
}

describe('what a person does', () => {
  it('is told key by key and place by place, and only where it reaches the machine', () => {
    const typed = [...KEY, ...POINTER, ...QEMU_KEY];
    assert.deepEqual(say(typed, ALL).did, [
      { code: 'keysym', value: 0x61, isDown: true },
      { x: 10, y: 20, buttons: 1 },
      { code: 'keysym', value: 0x61, isDown: true },
    ]);
    assert.deepEqual(say(typed, NONE).did, []);
  });
});

describe('the framing of what a viewer sends', () => {
  it('passes every message whole, however the network cuts it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...TYPED, ...HARMLESS), { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (list, cuts) => {
          assert.deepEqual(say([...FORMAT, ...list.flat()], ALL, cuts).out, [...FORMAT, ...list.flat()]);
        },
      ),
    );
  });

  it('lets nothing of a watching viewer through that the machine could feel', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...TYPED, ...HARMLESS), { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (list, cuts) => {
          const { out, active, pasted } = say(list.flat(), NONE, cuts);
          assert.deepEqual(out, list.filter((one) => HARMLESS.includes(one)).flat());
          assert.deepEqual([active, pasted], [0, 0]);
        },
      ),
    );
  });

  it('withholds the clipboard alone where pasting is not permitted, in both of its forms', () => {
    const notify = [6, 0, 0, 0, ...u32(-4), ...u32(0x0800_0001)];
    const request = [6, 0, 0, 0, ...u32(-4), ...u32(0x0200_0001)];
    const { out } = say([...KEY, ...PASTE, ...notify, ...request, ...POINTER], { ...ALL, paste: false });
    assert.deepEqual(out, [...KEY, ...request, ...POINTER]);
  });

  it('tells of each text that it withholds, and of nothing else', () => {
    const notify = (formats: number): number[] => [6, 0, 0, 0, ...u32(-4), ...u32(0x0800_0000 + formats)];
    const provide = [6, 0, 0, 0, ...u32(-8), ...u32(0x1000_0001), 1, 2, 3, 4];
    const texts = [PASTE, notify(1), provide, notify(7)];
    const others = [[6, 0, 0, 0, ...u32(0)], notify(0), notify(4), CAPS, ASK, KEY, POINTER];
    for (const policy of [{ ...ALL, paste: false }, NONE, { ...NONE, paste: true }]) {
      assert.equal(say(texts.flat(), policy).denied, texts.length);
      assert.equal(say(others.flat(), policy).denied, 0);
    }
    assert.equal(say([...texts, ...others].flat(), ALL).denied, 0);
  });

  it('counts keys, pointer and pastes as signs of life, and requests for pictures not', () => {
    assert.equal(say([...REQUEST, ...FENCE, ...CONTINUOUS], ALL).active, 0);
    assert.equal(say([...KEY, ...POINTER, ...QEMU_KEY, ...PASTE], ALL).active, 4);
  });

  it('asks the machine only for encodings that it can frame, by the wishes of the form', () => {
    const choice = {
      only: undefined,
      remoteCursor: false,
      lossless: false,
      clipboard: true,
      quality: undefined,
      compression: undefined,
    };
    const wanted = [1, 50, 7, -260, 16, 21, 5, 2, 6, 0, -26, -254, -223, -239, -313, -1063131698, 12345];
    assert.deepEqual(
      chooseEncodings(wanted, choice),
      wanted.filter((one) => one !== 21 && one !== 12345),
    );
    assert.deepEqual(chooseEncodings(wanted, { ...choice, lossless: true, quality: 3, compression: 9 }), [
      ...[1, 7, -260, 16, 5, 2, 6, 0, -223, -239, -313, -1063131698],
      -247,
    ]);
    const few = { ...choice, only: new Set([16, 1, 0]), remoteCursor: true, clipboard: false };
    assert.deepEqual(chooseEncodings(wanted, few), [1, 16, 0, -26, -254, -223, -313]);
  });

  it('ends a viewer that changes the pixel format under way or sends what no viewer sends', () => {
    for (const stream of [
      [...REQUEST, ...FORMAT],
      [0, 0, 0, 0, 24, 24, 0, 1, ...FORMAT.slice(8)],
      [7],
      [2, 0, ...u16(60_000)],
      [6, 0, 0, 0, ...u32(0x7fff_ffff)],
      [248, 0, 0, 0, ...u32(0), 200],
      [255, 1],
    ])
      assert.throws(() => say(stream, ALL), { code: 'PROTOCOL_MESSAGE_INVALID' });
  });

  it('answers any bytes with messages or a fault, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_000 }), fc.array(fc.nat(), { maxLength: 5 }), (hostile, cuts) => {
        try {
          say([...hostile], ALL, cuts);
        } catch (cause) {
          assert.ok(isFault(cause, 'PROTOCOL_MESSAGE_INVALID'), String(cause));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
