import { timingSafeEqual } from 'node:crypto';
import { joinBytes, u32le, violation } from '../codec/bytes.ts';
import { Rc4 } from '../codec/rc4.ts';
import { macOf, nextKey, type Bits } from './session-keys.ts';

const MAC_BYTES = 8;
/** So many packets are encrypted with one key. [MS-RDPBCGR] 5.3.7 */
const PACKETS_OF_A_KEY = 4096;

export interface PacketKeys {
  readonly bits: Bits;
  readonly mac: Uint8Array;
  readonly initial: Uint8Array;
}

/** One direction of RDP's own encryption: RC4 with a signature in front of each packet. [MS-RDPBCGR] 5.3.6 */
export class PacketCipher {
  readonly #keys: PacketKeys;
  #key: Uint8Array;
  #rc4: Rc4;
  #ofThisKey = 0;
  #packets = 0;

  constructor(keys: PacketKeys) {
    this.#keys = keys;
    this.#key = keys.initial;
    this.#rc4 = new Rc4(this.#key);
  }

  /**
   * Signature and what it is over, encrypted.
   * @param isSalted the signature is also over the number of packets in front of this one, [MS-RDPBCGR] 5.3.6.1.1
   */
  seal(plain: Uint8Array, isSalted: boolean): Uint8Array {
    const signature = this.#sign(plain, isSalted);
    this.#packets += 1;
    return joinBytes(signature, this.#pass(plain));
  }

  /** @throws Fault TARGET_PROTOCOL_VIOLATION where the signature is not the target's */
  open(packet: Uint8Array, isSalted: boolean): Uint8Array {
    if (packet.length < MAC_BYTES) throw violation('a PDU that ends within its signature');
    const plain = this.#pass(packet.subarray(MAC_BYTES));
    if (!timingSafeEqual(this.#sign(plain, isSalted), packet.subarray(0, MAC_BYTES)))
      throw violation('the signature of a PDU is wrong');
    this.#packets += 1;
    return plain;
  }

  #sign(plain: Uint8Array, isSalted: boolean): Uint8Array {
    return macOf(this.#keys.mac, u32le(plain.length), plain, ...(isSalted ? [u32le(this.#packets)] : []));
  }

  #pass(bytes: Uint8Array): Uint8Array {
    if (this.#ofThisKey === PACKETS_OF_A_KEY) {
      const { initial, bits } = this.#keys;
      this.#key = nextKey(initial, this.#key, bits);
      this.#rc4 = new Rc4(this.#key);
      this.#ofThisKey = 0;
    }
    this.#ofThisKey += 1;
    return this.#rc4.update(bytes);
  }
}
