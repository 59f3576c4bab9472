import { constants, createHash, generateKeyPairSync, privateDecrypt, type KeyObject } from 'node:crypto';
import { ascii, joinBytes, readU16, u16be, u16le, u32le } from '../codec/bytes.ts';
import { der, integer, octets, sequence } from '../codec/der.ts';
import { dataTpdu, DOMAIN, parseSendData, sendData, tpduBody } from '../codec/mcs.ts';
import { METHOD } from '../codec/server-security.ts';
import { PacketCipher } from './packet-cipher.ts';
import { sessionKeys, type Bits } from './session-keys.ts';

/** For tests: the server's half of RDP's own encryption, and servers that get it wrong. */

const littleEndian = (hex: string): bigint => BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`);

/** The private half of the key that signs all certificates, as the specification prints it. [MS-RDPBCGR] 5.3.3.1.1 */
const SIGNING_EXPONENT = littleEndian(
  '87a71932da11875558001616256568f8243ee6fae9674994cf92cc3399e80860' +
    '179a129f24ddb12499c73ab80a7b0ddd350779170b519bb3c7100113e73ff35f',
);
const SIGNING_MODULUS = littleEndian(
  '3d3a5ebd72433ec94dbbc11e4aba5fcb3e882087eff5c1e2d7b76b9af2524595' +
    'ce63656b583afeef7ce7bffe3df65c7d6c5e06091af561bb2093095f056dea87',
);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** [MS-RDPBCGR] 5.3.3.1.2 */
function signature(signed: Uint8Array): Uint8Array {
  const digest = createHash('md5').update(signed).digest();
  const block = Buffer.from(joinBytes(digest, Uint8Array.of(0), new Uint8Array(45).fill(0xff), Uint8Array.of(1)));
  const number = power(BigInt(`0x${block.reverse().toString('hex')}`), SIGNING_EXPONENT, SIGNING_MODULUS);
  return Buffer.from(number.toString(16).padStart(128, '0'), 'hex').reverse();
}

const METHODS: Readonly<Record<Bits, number>> = {
  40: METHOD.rc4With40Bits,
  56: METHOD.rc4With56Bits,
  128: METHOD.rc4With128Bits,
};

export interface StandardServerOptions {
  readonly bits?: Bits;
  /** 1 to 3; the default is high. */
  readonly level?: number;
  readonly random?: Uint8Array;
  /** What becomes of the certificate on its way. */
  readonly certificate?: (whole: Uint8Array) => Uint8Array;
  /** Of the key. */
  readonly modulusBits?: number;
}

export class StandardServer {
  readonly spki: Buffer;
  /** TS_UD_SC_SEC1. [MS-RDPBCGR] 2.2.1.4.3 */
  readonly security: Uint8Array;
  /** The whole MCS Connect Response, with two channels. */
  readonly response: Uint8Array;
  readonly #bits: Bits;
  readonly #key: KeyObject;
  readonly #random: Uint8Array;
  #fromClient: PacketCipher | undefined;
  #toClient: PacketCipher | undefined;

  constructor(options: StandardServerOptions = {}) {
    const { bits = 128, level = 3, random = new Uint8Array(32).fill(9), modulusBits = 1024 } = options;
    const pair = generateKeyPairSync('rsa', { modulusLength: modulusBits });
    this.#key = pair.privateKey;
    this.spki = pair.publicKey.export({ type: 'spki', format: 'der' });
    this.#bits = bits;
    this.#random = random;
    const { n, e } = pair.publicKey.export({ format: 'jwk' });
    const [modulus, exponent] = [n, e].map((text) => Buffer.from(text ?? '', 'base64url').reverse());
    if (modulus === undefined || exponent === undefined) throw new Error('a key without numbers');
    const blob = joinBytes(
      ascii('RSA1'),
      ...[modulus.length + 8, modulus.length * 8, modulus.length - 1].map(u32le),
      Buffer.concat([exponent, Buffer.alloc(4)]).subarray(0, 4),
      modulus,
      new Uint8Array(8),
    );
    const signed = joinBytes(u32le(1), u32le(1), u32le(1), u16le(6), u16le(blob.length), blob);
    const whole = joinBytes(signed, u16le(8), u16le(72), signature(signed), new Uint8Array(8));
    const certificate = options.certificate?.(whole) ?? whole;
    this.security = securityBlock(
      ...[METHODS[bits], level, random.length, certificate.length].map(u32le),
      random,
      certificate,
    );
    this.response = connectResponseWith(this.security);
  }

  /** Takes a Security Exchange and what comes behind it; answers what the client said, without encryption. */
  hear(pdu: Uint8Array): Uint8Array | undefined {
    if (pdu[0] !== 3) {
      const at = (pdu[1] ?? 0) < 0x80 ? 2 : 3;
      return this.#fromClient?.open(pdu.subarray(at), ((pdu[0] ?? 0) & 0x40) !== 0);
    }
    const data = parseSendData(tpduBody(pdu) ?? new Uint8Array())?.data;
    if (data === undefined) return undefined;
    const flags = readU16(data, 0);
    if ((flags & 1) !== 0) {
      this.#agree(data.subarray(8, data.length - 8));
      return undefined;
    }
    return (flags & 8) === 0 ? data : this.#fromClient?.open(data.subarray(4), (flags & 0x800) !== 0);
  }

  /** A Send Data Indication. */
  say(data: Uint8Array, channel = 1003, flags = 8): Uint8Array {
    const sealed = (flags & 8) === 0 ? data : this.#seal(data, (flags & 0x800) !== 0);
    return indication(channel, joinBytes(u32le(flags), sealed));
  }

  fastPath(body: Uint8Array): Uint8Array {
    const sealed = this.#seal(body);
    return joinBytes(Uint8Array.of(0x80), u16be(0x8000 | (sealed.length + 3)), sealed);
  }

  #seal(plain: Uint8Array, isSalted = false): Uint8Array {
    if (this.#toClient === undefined) throw new Error('the client has sent no random yet');
    return this.#toClient.seal(plain, isSalted);
  }

  #agree(encrypted: Uint8Array): void {
    const block = privateDecrypt(
      { key: this.#key, padding: constants.RSA_NO_PADDING },
      Buffer.from(encrypted).reverse(),
    ).reverse();
    const { mac, toTarget, fromTarget } = sessionKeys(block.subarray(0, 32), this.#random, this.#bits);
    this.#fromClient = new PacketCipher({ bits: this.#bits, mac, initial: toTarget });
    this.#toClient = new PacketCipher({ bits: this.#bits, mac, initial: fromTarget });
  }
}

export function indication(channel: number, data: Uint8Array): Uint8Array {
  return sendData({ choice: DOMAIN.sendDataIndication, initiator: 1007, channel, data });
}

export function securityBlock(...parts: readonly Uint8Array[]): Uint8Array {
  const body = joinBytes(...parts);
  return joinBytes(u16le(0x0c02), u16le(body.length + 4), body);
}

/** [MS-RDPBCGR] 2.2.1.4 */
export function connectResponseWith(security: Uint8Array): Uint8Array {
  const perLength = (length: number): Uint8Array => u16be(0x8000 | length);
  const core = joinBytes(u16le(0x0c01), u16le(12), u32le(0x0008_0004), u32le(0));
  const network = joinBytes(u16le(0x0c03), u16le(12), u16le(1003), u16le(2), u16le(1004), u16le(1005));
  const blocks = joinBytes(core, security, network);
  const create = joinBytes(
    Uint8Array.of(0x14, 0x76, 0x0a, 1, 1, 0, 1, 0xc0, 0),
    ascii('McDn'),
    perLength(blocks.length),
    blocks,
  );
  const userData = joinBytes(Uint8Array.of(0, 5, 0, 0x14, 0x7c, 0, 1), perLength(create.length), create);
  const parameters = sequence(...[34, 3, 0, 1, 0, 1, 65_528, 2].map(integer));
  const response = der(0x66, der(0x0a, Uint8Array.of(0)), integer(0), parameters, octets(userData));
  return dataTpdu(joinBytes(Uint8Array.of(0x7f), response));
}
