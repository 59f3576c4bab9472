import { Fault } from '@enchilada/core/fault';
import { invalid, joinBytes, readU16, u16le, u32le, violation } from '../codec/bytes.ts';
import { SECURITY } from '../codec/client-info.ts';
import { FAST_PATH_FLAG, fastPathBody, fastPathPdu } from '../codec/fast-path.ts';
import { parseSendData, sendData, tpduBody, type SendData } from '../codec/mcs.ts';
import { PduFramer } from '../codec/pdu-framer.ts';
import { LEVEL, RANDOM_BYTES, parseServerSecurity, withoutEncryption } from '../codec/server-security.ts';
import { serverSecurityOf } from '../codec/settings.ts';
import { SHARE, offerSaltedSignatures, parseShare, takesSaltedSignatures } from '../codec/share.ts';
import { PacketCipher } from './packet-cipher.ts';
import type { Protection } from './protection.ts';
import type { RsaPublicKey } from './rsa-public-key.ts';
import { serverKey } from './server-key.ts';
import { bitsOf, sessionKeys, type Bits } from './session-keys.ts';

const HEADER_BYTES = 4;
/** With header and signature, such a PDU still has a length that PER can say in two bytes. */
const MOST_PDU_BYTES = 0x3fff;
/** What encrypted numbers have behind them. [MS-RDPBCGR] 2.2.1.10.1.1 */
const PADDING = new Uint8Array(8);

/** What a server that speaks RDP's own encryption has shown, and somebody accepted. */
export interface ServerEncryption {
  readonly key: RsaPublicKey;
  readonly bits: Bits;
  /** The server encrypts too. [MS-RDPBCGR] 5.3.1 */
  readonly isMutual: boolean;
  readonly random: Uint8Array;
}

/** What an MCS Connect Response says of encryption. @throws Fault TARGET_PROTOCOL_VIOLATION, TARGET_NO_COMMON_ALGORITHM */
export function serverEncryption(connectResponse: Uint8Array): ServerEncryption {
  const { method, level, random, certificate } = parseServerSecurity(serverSecurityOf(connectResponse));
  const bits = bitsOf(method);
  if (bits === undefined || (level !== LEVEL.low && level !== LEVEL.clientCompatible && level !== LEVEL.high))
    throw new Fault(
      'TARGET_NO_COMMON_ALGORITHM',
      level === LEVEL.none
        ? 'the target encrypts nothing at all, which is refused'
        : level === LEVEL.fips
          ? "the target demands FIPS in RDP's own encryption, which is not spoken here"
          : `the target chose method ${method} and level ${level} of RDP's own encryption, which it was not offered`,
    );
  return { key: serverKey(certificate), bits, isMutual: level !== LEVEL.low, random };
}

interface Agreement {
  readonly isMutual: boolean;
  readonly fromTarget: PacketCipher;
  readonly toTarget: PacketCipher;
  /** The client's random for the holder of the server's key. */
  readonly exchange: Uint8Array;
}

/**
 * Standard RDP Security, as a client. [MS-RDPBCGR] 5.3
 * INVARIANT: behind MCS's own PDUs nothing leaves but under the key that was accepted.
 */
export class StandardSecurity implements Protection {
  readonly #accepted: ServerEncryption;
  readonly #random: (count: number) => Uint8Array;
  readonly #heard = new PduFramer(violation, 'encrypted');
  readonly #said = new PduFramer(invalid);
  #agreement: Agreement | undefined;
  /** Known from the Client Info on. */
  #io: number | undefined;
  #encryptsLicences = false;
  /**
   * Without a salt, the same key pressed again has the same signature. It is used once both sides have said that they know it, the
   * client with its Confirm Active. [MS-RDPBCGR] 5.3.6.1.1
   */
  #salt: 'unknown' | 'known' | 'agreed' = 'unknown';

  constructor(accepted: ServerEncryption, random: (count: number) => Uint8Array) {
    this.#accepted = accepted;
    this.#random = random;
  }

  open(bytes: Uint8Array): Uint8Array {
    return joinBytes(...this.#heard.push(bytes).map((pdu) => this.#opened(pdu)));
  }

  seal(pdus: Uint8Array): Uint8Array {
    const whole = this.#said.push(pdus);
    // In front of the first byte that is encrypted: RC4 goes on from what was sent.
    if (whole.some(({ length }) => length > MOST_PDU_BYTES)) throw invalid('a PDU that is too long to be encrypted');
    return joinBytes(...whole.map((pdu) => this.#sealed(pdu)));
  }

  #opened(pdu: Uint8Array): Uint8Array {
    if (this.#agreement === undefined) {
      this.#agreement = this.#agree(serverEncryption(pdu));
      withoutEncryption(serverSecurityOf(pdu));
      return pdu;
    }
    if (pdu[0] !== 3) return openedFastPath(pdu, this.#agreement);
    const sent = parseSendData(tpduBody(pdu) ?? pdu.subarray(0, 0));
    return sent === undefined ? pdu : this.#openedData(sent, this.#agreement);
  }

  #agree({ key, bits, isMutual, random }: ServerEncryption): Agreement {
    const accepted = this.#accepted;
    if (!key.spki.equals(accepted.key.spki))
      throw new Fault('HOST_KEY_CHANGED', 'the target shows another key than the one that was accepted just before');
    if (bits !== accepted.bits || isMutual !== accepted.isMutual)
      throw violation('it encrypts otherwise than it had shown just before');
    const own = this.#random(RANDOM_BYTES);
    const { mac, toTarget, fromTarget } = sessionKeys(own, random, bits);
    return {
      isMutual,
      fromTarget: new PacketCipher({ bits, mac, initial: fromTarget }),
      toTarget: new PacketCipher({ bits, mac, initial: toTarget }),
      exchange: key.encrypt(own),
    };
  }

  #openedData(sent: SendData, { isMutual, fromTarget }: Agreement): Uint8Array {
    const { data } = sent;
    if (data.length < HEADER_BYTES) throw violation('a PDU that ends within its security header');
    const flags = readU16(data, 0);
    const isLicence = (flags & SECURITY.license) !== 0;
    const isEncrypted = (flags & SECURITY.encrypted) !== 0;
    if (isMutual && !isEncrypted && !isLicence) throw violation('a PDU in clear where encryption was agreed on');
    const rest = data.subarray(HEADER_BYTES);
    const body = isEncrypted ? fromTarget.open(rest, (flags & SECURITY.saltedSignature) !== 0) : rest;
    if (!isLicence) {
      if (sent.channel === this.#io) this.#learnSalt(body);
      return sendData({ ...sent, data: body });
    }
    if ((flags & SECURITY.licenseEncrypted) !== 0) this.#encryptsLicences = true;
    // Of the header only this much: what else a licence in clear says could be anybody's, and be taken for a picture's header.
    return sendData({ ...sent, data: joinBytes(u32le(SECURITY.license), body) });
  }

  #learnSalt(data: Uint8Array): void {
    if (parseShare(data)?.type !== SHARE.demandActive) return;
    if (!takesSaltedSignatures(data)) this.#salt = 'unknown';
    else if (this.#salt === 'unknown') this.#salt = 'known';
  }

  #sealed(pdu: Uint8Array): Uint8Array {
    const agreement = this.#agreement;
    if (pdu[0] === 3) {
      const sent = parseSendData(tpduBody(pdu) ?? pdu.subarray(0, 0));
      if (sent === undefined) return pdu;
      if (agreement === undefined) throw invalid('data in front of a key to encrypt it with');
      return this.#sealedData(sent, agreement);
    }
    if (agreement === undefined) throw invalid('input in front of a key to encrypt it with');
    const { encrypted, saltedSignature } = FAST_PATH_FLAG;
    const isSalted = this.#salt === 'agreed';
    return fastPathPdu(
      (pdu[0] ?? 0) | encrypted | (isSalted ? saltedSignature : 0),
      agreement.toTarget.seal(fastPathBody(pdu), isSalted),
    );
  }

  #sealedData(sent: SendData, { toTarget, exchange }: Agreement): Uint8Array {
    const { channel, data } = sent;
    const isFirst = this.#io === undefined;
    this.#io ??= channel;
    const share = channel === this.#io && !isFirst ? parseShare(data) : undefined;
    // Client Info and licences bring their header; under TLS nothing else has one.
    const hasHeader = isFirst || (channel === this.#io && share === undefined);
    const flags = hasHeader ? readU16(data, 0) : 0;
    if (isFirst && (flags & SECURITY.info) === 0) throw invalid('something in front of its Client Info');
    if ((flags & SECURITY.license) !== 0 && !this.#encryptsLicences) return sendData(sent);
    const body = hasHeader ? data.subarray(HEADER_BYTES) : data;
    const isSalted = this.#salt === 'agreed';
    if (share?.type === SHARE.confirmActive && this.#salt !== 'unknown') {
      offerSaltedSignatures(data);
      this.#salt = 'agreed';
    }
    const header = flags | SECURITY.encrypted | (isSalted ? SECURITY.saltedSignature : 0);
    const pdu = sendData({ ...sent, data: joinBytes(u32le(header), toTarget.seal(body, isSalted)) });
    return isFirst ? joinBytes(sendData({ ...sent, data: securityExchange(exchange) }), pdu) : pdu;
  }
}

/** [MS-RDPBCGR] 2.2.1.10.1 */
function securityExchange(encryptedRandom: Uint8Array): Uint8Array {
  const { length } = encryptedRandom;
  return joinBytes(u16le(SECURITY.exchange), u16le(0), u32le(length + PADDING.length), encryptedRandom, PADDING);
}

function openedFastPath(pdu: Uint8Array, { isMutual, fromTarget }: Agreement): Uint8Array {
  const first = pdu[0] ?? 0;
  const { encrypted, saltedSignature } = FAST_PATH_FLAG;
  if ((first & encrypted) === 0) {
    if (isMutual) throw violation('a fast-path PDU in clear where encryption was agreed on');
    return pdu;
  }
  const body = fromTarget.open(fastPathBody(pdu), (first & saltedSignature) !== 0);
  return fastPathPdu(first & ~(encrypted | saltedSignature), body);
}
