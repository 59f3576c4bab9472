import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransferWatch } from './transfer-watch.ts';

const SZ = 'rz\r**\x18B00000000000000\r\x8a\x11';
const RZ = 'rz waiting to receive.**\x18B0100000023be50\r\x8a\x11';
const TRZ = '\x1b7\x07::TRZSZ:TRANSFER:R:1.1.6:1234567890123\r\n';

function found(text: string, step = text.length): unknown {
  const watch = new TransferWatch();
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += step) {
    const kind = watch.push(bytes.subarray(at, at + step));
    if (kind !== undefined) return kind;
  }
  return undefined;
}

test('what sz, rz and trz say first is found, however it is cut', () => {
  for (let step = 1; step < 20; step += 1) {
    assert.equal(found(SZ, step), 'zmodem');
    assert.equal(found(`login: ${RZ}`, step), 'zmodem');
    assert.equal(found(TRZ, step), 'trzsz');
  }
});

test('nothing else is taken for a transfer, and each is told once', () => {
  const others = [
    '**B0100000023be50',
    '**\x18B0100000023be51',
    '**\x18B0400000023be50',
    '\x18\x18\x18',
    '::TRZSZ:TRANSFER:',
    '::TRZSZ:TRANSFER:X:1.1.6:1234567890123',
  ];
  for (const text of others) assert.equal(found(`${text} `.repeat(50), 7), undefined, text);
  const watch = new TransferWatch();
  assert.equal(watch.push(Buffer.from(SZ, 'latin1')), 'zmodem');
  assert.equal(watch.push(Buffer.from('$ ')), undefined);
});
