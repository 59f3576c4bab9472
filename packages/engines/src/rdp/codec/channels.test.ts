import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ascii, joinBytes, u16le, u32le } from './bytes.ts';
import { DISPLAY_CONTROL, DynamicChannels } from './dynamic-channels.ts';
import { endedFrames, fastPathUpdates, inputEvents, slowInputEvents, widenBitmaps } from './fast-path.ts';
import { Pointer } from './pointer.ts';

const chunk = (message: Uint8Array, flags = 3, total = message.length): Uint8Array =>
  joinBytes(u32le(total), u32le(flags), message);

describe('dynamic channels', () => {
  const create = (id: number, name: string): Uint8Array =>
    chunk(joinBytes(Uint8Array.of(0x10, id), ascii(`${name}\0`)));
  const data = (id: number): Uint8Array => chunk(Uint8Array.of(0x30, id, 1, 2, 3));

  it('opens those that policy names, and refuses others by itself', () => {
    const channels = new DynamicChannels(new Set([DISPLAY_CONTROL]));
    assert.ok(channels.fromTarget(chunk(Uint8Array.of(0x50, 0, 1, 0))).onwards);
    assert.ok(channels.fromTarget(create(3, DISPLAY_CONTROL)).onwards);
    const refused = channels.fromTarget(create(4, 'AUDIO_INPUT'));
    assert.equal(refused.onwards, undefined);
    assert.deepEqual(refused.back, chunk(Uint8Array.of(0x10, 4, 1, 0, 0, 0xc0)));
    assert.ok(channels.fromViewer(data(3)).onwards);
    assert.equal(channels.fromViewer(data(4)).onwards, undefined);
    assert.equal(channels.fromTarget(data(4)).onwards, undefined);
  });

  it('forgets one that was closed', () => {
    const channels = new DynamicChannels(new Set([DISPLAY_CONTROL]));
    channels.fromTarget(create(3, DISPLAY_CONTROL));
    assert.ok(channels.fromTarget(chunk(Uint8Array.of(0x40, 3))).onwards);
    assert.equal(channels.fromViewer(data(3)).onwards, undefined);
  });

  it('lets a machine open no display control beside the one that the decoder was offered', () => {
    const channels = new DynamicChannels(new Set([DISPLAY_CONTROL, 'other']));
    assert.ok(!channels.hasDisplayControl);
    assert.equal(channels.offerDisplayControl().length, 2);
    assert.ok(channels.hasDisplayControl);
    assert.ok(channels.fromTarget(create(3, DISPLAY_CONTROL)).back);
    assert.ok(channels.fromTarget(chunk(joinBytes(Uint8Array.of(0x11, 0xfe, 0xff), ascii('other\0')))).back);
    assert.ok(channels.fromTarget(create(4, 'other')).onwards);
  });

  it('offers another once the machine has closed its own', () => {
    const channels = new DynamicChannels(new Set([DISPLAY_CONTROL]));
    channels.fromTarget(create(3, DISPLAY_CONTROL));
    assert.ok(channels.hasDisplayControl);
    channels.fromTarget(chunk(Uint8Array.of(0x40, 3)));
    assert.ok(!channels.hasDisplayControl);
  });

  it('passes no capabilities of a decoder that the machine did not ask for', () => {
    const channels = new DynamicChannels(new Set([DISPLAY_CONTROL]));
    assert.equal(channels.fromViewer(chunk(Uint8Array.of(0x50, 0, 1, 0))).onwards, undefined);
    channels.fromTarget(chunk(Uint8Array.of(0x50, 0, 1, 0)));
    assert.ok(channels.fromViewer(chunk(Uint8Array.of(0x50, 0, 1, 0))).onwards);
    assert.equal(channels.fromViewer(chunk(Uint8Array.of(0x50, 0, 1, 0))).onwards, undefined, 'nor twice');
  });

  it('gives the rest of a message the way of its beginning', () => {
    const channels = new DynamicChannels(new Set([DISPLAY_CONTROL]));
    channels.fromTarget(create(3, DISPLAY_CONTROL));
    assert.ok(channels.fromTarget(chunk(Uint8Array.of(0x20, 3, 9), 1)).onwards);
    assert.ok(channels.fromTarget(chunk(Uint8Array.of(0x11, 4), 2)).onwards);
    assert.equal(
      channels.fromTarget(chunk(joinBytes(Uint8Array.of(0x10, 9), ascii(DISPLAY_CONTROL)), 1)).onwards,
      undefined,
    );
    assert.equal(channels.fromTarget(chunk(Uint8Array.of(0), 2)).onwards, undefined);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (list) => {
        const channels = new DynamicChannels(new Set([DISPLAY_CONTROL]));
        for (const bytes of list) {
          channels.fromTarget(bytes);
          channels.fromViewer(bytes);
        }
      }),
    );
  });
});

describe('fast-path', () => {
  it('tells keys and pointer from what a decoder sends by itself', () => {
    const events = (...bytes: readonly number[]) => inputEvents(Uint8Array.from(bytes));
    const key = (code: 'scancode' | 'character', value: number, isDown: boolean) => ({
      type: 'key',
      stroke: { code, value, isDown },
    });
    const pressed = [key('scancode', 0x1e, true), key('scancode', 0x1e, false)];
    assert.deepEqual(events(0x08, 6, 0, 0x1e, 1, 0x1e), pressed);
    assert.deepEqual(events(0x04, 4, 2, 0x1d), [key('scancode', 0xe01d, true)]);
    assert.deepEqual(events(0x04, 9, 0x20, 0, 8, 10, 0, 11, 0), [{ type: 'mouse', flags: 0x800, x: 10, y: 11 }]);
    assert.deepEqual(events(0x04, 5, 0x80, 0x41, 0), [key('character', 0x41, true)]);
    assert.deepEqual(events(0x04, 3, 0x60), []);
    assert.deepEqual(events(0, 5, 1, 0, 0x1e), pressed.slice(0, 1));
  });

  it('tells the same of input that comes the slow way', () => {
    const slow = (...messages: readonly (readonly number[])[]): Uint8Array =>
      joinBytes(
        u16le(messages.length),
        u16le(0),
        ...messages.map((values) => joinBytes(u32le(0), ...values.map(u16le))),
      );
    assert.deepEqual(
      slowInputEvents(slow([4, 0x8100, 0x1d, 0], [5, 0, 0x41, 0], [0x8001, 0x9000, 3, 4], [0, 0, 0, 0])),
      [
        { type: 'key', stroke: { code: 'scancode', value: 0xe01d, isDown: false } },
        { type: 'key', stroke: { code: 'character', value: 0x41, isDown: true } },
        { type: 'mouse', flags: 0x9000, x: 3, y: 4 },
      ],
    );
    assert.deepEqual(slowInputEvents(slow([4, 0, 0x1e, 0]).subarray(0, 12)), []);
  });

  it('knows from one change at a time where the pointer is and what is pressed', () => {
    const pointer = new Pointer();
    const take = (flags: number, x = 5, y = 6) => pointer.take({ type: 'mouse', flags, x, y });
    assert.deepEqual(take(0x9000), { x: 5, y: 6, buttons: 1 });
    assert.deepEqual(take(0x0800, 7, 8), { x: 7, y: 8, buttons: 1 });
    assert.deepEqual(take(0x0388, 0, 0), { x: 7, y: 8, buttons: 1 | 16 });
    assert.deepEqual(take(0xa000), { x: 5, y: 6, buttons: 1 | 4 });
    assert.deepEqual(take(0x1000), { x: 5, y: 6, buttons: 4 });
  });

  it('refuses input that is encrypted, cut or of an unknown kind', () => {
    for (const bytes of [
      [0x84, 4, 0, 0x1e],
      [0x04, 3, 0],
      [0x04, 4, 0xe0, 1],
      [0x04, 5, 0, 0x1e, 9],
    ])
      assert.equal(inputEvents(Uint8Array.from(bytes)), undefined);
  });

  it('widens the rectangle of a padded bitmap, and never beyond the desktop', () => {
    const bitmap = (right: number): Uint8Array => joinBytes(...[1, 1, 100, 0, right, 9, 104, 10, 16, 0, 0].map(u16le));
    for (const [right, desktop, wanted] of [
      [200, 1024, 203],
      [203, 1024, 203],
      [200, 203, 200],
    ] as const) {
      const update = bitmap(right);
      widenBitmaps(update, desktop);
      assert.equal(update[8], wanted & 0xff);
    }
  });

  it('finds the ends of frames between surface commands', () => {
    const bits = joinBytes(u16le(1), new Uint8Array(16), u32le(3), Uint8Array.of(9, 9, 9));
    const body = joinBytes(u16le(4), u16le(0), u32le(6), bits, u16le(4), u16le(1), u32le(6));
    const pdu = joinBytes(Uint8Array.of(0, body.length + 5, 4), u16le(body.length), body);
    const [update] = fastPathUpdates(pdu) ?? [];
    assert.ok(update);
    assert.deepEqual(endedFrames(update), [6]);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 200 }), (bytes) => {
        inputEvents(bytes);
        slowInputEvents(bytes);
        for (const update of fastPathUpdates(bytes) ?? []) endedFrames(update);
        widenBitmaps(bytes.slice(), 1024);
      }),
      { numRuns: 3_000 },
    );
  });
});
