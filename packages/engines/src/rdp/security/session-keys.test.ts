import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ascii, joinBytes, u32le } from '../codec/bytes.ts';
import { Rc4 } from '../codec/rc4.ts';
import { PacketCipher } from './packet-cipher.ts';
import { bitsOf, macOf, nextKey, sessionKeys, type Bits } from './session-keys.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Randoms of 00 to 1f and of 20 to 3f. */
const [CLIENT, SERVER] = [0, 32].map((from) => Uint8Array.from({ length: 32 }, (_, index) => from + index)) as [
  Uint8Array,
  Uint8Array,
];
const OTTER = ascii('otter');

/** Made by a second implementation of [MS-RDPBCGR] 5.3.5.1, 5.3.6.1 and 5.3.7.1, in Python. */
const VECTORS: readonly (readonly [Bits, Readonly<Record<string, string>>])[] = [
  [
    40,
    {
      mac: 'd1269ec6e31347c4',
      fromTarget: 'd1269ef61b7cd10d',
      toTarget: 'd1269ec08474414a',
      signature: '155654ebeecb89ee',
      salted: 'fd5f05830244c4f2',
      next: 'd1269e3467fb506e',
    },
  ],
  [
    56,
    {
      mac: 'd15370c6e31347c4',
      fromTarget: 'd1b207f61b7cd10d',
      toTarget: 'd12783c08474414a',
      signature: '8775c2dc8dcca08b',
      salted: 'dfd6bf7c9603673e',
      next: 'd119e6d609273140',
    },
  ],
  [
    128,
    {
      mac: '815370c6e31347c463ed25f1af48bbdf',
      fromTarget: '1cb207f61b7cd10dca9ec78871d0a142',
      toTarget: '702783c08474414a33a259c6faed480c',
      signature: '4056c640c805e2bb',
      salted: '93a394176ab2c299',
      next: '69d6cd7791712b7442a720f2d41b3e24',
    },
  ],
];

describe('the keys of a session under RDP’s own encryption', () => {
  for (const [bits, expected] of VECTORS)
    it(`are those of ${bits} bits`, () => {
      const { mac, fromTarget, toTarget } = sessionKeys(CLIENT, SERVER, bits);
      const found = {
        mac,
        fromTarget,
        toTarget,
        signature: macOf(mac, u32le(OTTER.length), OTTER),
        salted: macOf(mac, u32le(OTTER.length), OTTER, u32le(5)),
        next: nextKey(toTarget, toTarget, bits),
      };
      assert.deepEqual(Object.fromEntries(Object.entries(found).map(([name, bytes]) => [name, hex(bytes)])), expected);
    });

  it('have a length for each method of RC4, and for no other', () => {
    assert.deepEqual([1, 8, 2, 0, 4, 16].map(bitsOf), [40, 56, 128, undefined, undefined, undefined]);
  });
});

describe('the packets of one direction', () => {
  const keys = (bits: Bits) => {
    const { mac, toTarget } = sessionKeys(CLIENT, SERVER, bits);
    return { bits, mac, initial: toTarget };
  };

  it('have their signature in front, and a new key after 4096 of them', () => {
    for (const bits of [40, 56, 128] as const) {
      const cipher = new PacketCipher(keys(bits));
      const { initial, mac } = keys(bits);
      const signature = macOf(mac, u32le(OTTER.length), OTTER);
      const first = new Rc4(initial);
      for (let packet = 0; packet < 4096; packet++)
        assert.equal(
          hex(cipher.seal(OTTER, false)),
          hex(joinBytes(signature, first.update(OTTER))),
          `packet ${packet}`,
        );
      const second = new Rc4(nextKey(initial, initial, bits));
      assert.equal(hex(cipher.seal(OTTER, false)), hex(joinBytes(signature, second.update(OTTER))));
    }
  });

  it('are opened where they are whole, and not where a bit of them is another', () => {
    const [sender, receiver] = [new PacketCipher(keys(128)), new PacketCipher(keys(128))];
    assert.equal(hex(receiver.open(sender.seal(OTTER, false), false)), hex(OTTER));
    for (let place = 0; place < 8 + OTTER.length; place++) {
      const [from, to] = [new PacketCipher(keys(128)), new PacketCipher(keys(128))];
      const packet = from.seal(OTTER, false).slice();
      packet[place] = (packet[place] ?? 0) ^ 0x10;
      assert.throws(() => to.open(packet, false), { code: 'TARGET_PROTOCOL_VIOLATION' });
    }
    for (const length of [0, 7])
      assert.throws(() => receiver.open(new Uint8Array(length), false), { code: 'TARGET_PROTOCOL_VIOLATION' });
  });

  it('count in what salts a signature, over changes of the key too', () => {
    const { mac, initial } = keys(128);
    const [sender, receiver] = [new PacketCipher(keys(128)), new PacketCipher(keys(128))];
    let rc4 = new Rc4(initial);
    for (let packet = 0; packet < 4100; packet++) {
      if (packet === 4096) rc4 = new Rc4(nextKey(initial, initial, 128));
      const isSalted = packet % 3 !== 0;
      const signature = macOf(mac, u32le(OTTER.length), OTTER, ...(isSalted ? [u32le(packet)] : []));
      const sealed = sender.seal(OTTER, isSalted);
      assert.equal(hex(sealed), hex(joinBytes(signature, rc4.update(OTTER))), `packet ${packet}`);
      assert.equal(hex(receiver.open(sealed, isSalted)), hex(OTTER));
    }
  });
});
