import { joinBytes, readU16, u16be } from './bytes.ts';

/** DomainMCSPDU, its choice in the upper six bits. T.125 section 7, https://www.itu.int/rec/T-REC-T.125/en; [MS-RDPBCGR] 2.2.1.3 to 2.2.1.9 */
export const DOMAIN = {
  erectDomainRequest: 1,
  disconnectProviderUltimatum: 8,
  attachUserRequest: 10,
  attachUserConfirm: 11,
  channelJoinRequest: 14,
  channelJoinConfirm: 15,
  sendDataRequest: 25,
  sendDataIndication: 26,
} as const;

/** Identifiers of users go over the wire less this. */
const FIRST_USER = 1001;
const HEAD_BYTES = 7;

export interface SendData {
  readonly choice: number;
  readonly initiator: number;
  readonly channel: number;
  readonly data: Uint8Array;
}

/** A TPKT (RFC 1006 section 6) with an X.224 Data TPDU. */
export function dataTpdu(body: Uint8Array): Uint8Array {
  return joinBytes(Uint8Array.of(3, 0), u16be(body.length + HEAD_BYTES), Uint8Array.of(2, 0xf0, 0x80), body);
}

/** What an X.224 Data TPDU holds; undefined for anything else. */
export function tpduBody(pdu: Uint8Array): Uint8Array | undefined {
  return pdu[0] === 3 && pdu[4] === 2 && pdu[5] === 0xf0 && pdu[6] === 0x80 && pdu.length > HEAD_BYTES
    ? pdu.subarray(HEAD_BYTES)
    : undefined;
}

export function domainChoice(body: Uint8Array): number {
  return (body[0] ?? 0) >> 2;
}

const readU16be = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** [MS-RDPBCGR] 2.2.1.7 */
export function attachedUser(body: Uint8Array): number | undefined {
  return body.length >= 4 && (body[1] ?? 0) === 0 ? readU16be(body, 2) + FIRST_USER : undefined;
}

/** The channel of a Channel Join Request, [MS-RDPBCGR] 2.2.1.8 */
export function joinedChannel(body: Uint8Array): number | undefined {
  return body.length >= 5 ? readU16be(body, 3) : undefined;
}

/** [MS-RDPBCGR] 2.2.1.9 */
export function channelJoinConfirm(user: number, channel: number): Uint8Array {
  const head = Uint8Array.of((DOMAIN.channelJoinConfirm << 2) | 2, 0);
  return dataTpdu(joinBytes(head, u16be(user - FIRST_USER), u16be(channel), u16be(channel)));
}

/** Send Data Request and Indication. Undefined where it is none or its length is wrong. [MS-RDPBCGR] 2.2.1.10 */
export function parseSendData(body: Uint8Array): SendData | undefined {
  const choice = domainChoice(body);
  if ((choice !== DOMAIN.sendDataRequest && choice !== DOMAIN.sendDataIndication) || body.length < 7) return undefined;
  const first = body[6] ?? 0;
  // PER lengths below 16 KiB; larger ones would be fragmented, which TPKTs of RDP never are.
  const [length, at] = first < 0x80 ? [first, 7] : [((first & 0x3f) << 8) | (body[7] ?? 0), 8];
  if ((first & 0xc0) === 0xc0 || at + length > body.length) return undefined;
  return {
    choice,
    initiator: readU16be(body, 1) + FIRST_USER,
    channel: readU16be(body, 3),
    data: body.subarray(at, at + length),
  };
}

export function sendData({ choice, initiator, channel, data }: SendData): Uint8Array {
  const length =
    data.length < 0x80 ? Uint8Array.of(data.length) : Uint8Array.of(0x80 | (data.length >> 8), data.length & 0xff);
  const head = Uint8Array.of(choice << 2);
  return dataTpdu(joinBytes(head, u16be(initiator - FIRST_USER), u16be(channel), Uint8Array.of(0x70), length, data));
}

/** T.124 ConferenceCreateRequest and -Response hold the settings behind these keys. [MS-RDPBCGR] 2.2.1.3, 2.2.1.4 */
export interface SettingsBlock {
  readonly type: number;
  /** With its head of four bytes. */
  readonly bytes: Uint8Array;
}

const MOST_BLOCKS = 32;

/** TS_UD_HEADER after TS_UD_HEADER; undefined where their lengths do not fit. [MS-RDPBCGR] 2.2.1.3.1 */
export function settingsBlocks(bytes: Uint8Array): readonly SettingsBlock[] | undefined {
  const blocks: SettingsBlock[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = readU16(bytes, at + 2);
    if (length < 4 || at + length > bytes.length || blocks.length === MOST_BLOCKS) return undefined;
    blocks.push({ type: readU16(bytes, at), bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return blocks;
}
