import { ascii, joinBytes, u16le, u32le, utf16, viewOf, violation } from './bytes.ts';

/** requestedProtocols and selectedProtocol. [MS-RDPBCGR] 2.2.1.1.1 */
export const PROTOCOL = { rdp: 0, ssl: 1, hybrid: 2, hybridEx: 8 } as const;

/** SSL_NOT_ALLOWED_BY_SERVER */
const TLS_NOT_ALLOWED = 2;
/** failureCode. [MS-RDPBCGR] 2.2.1.2.2 */
const FAILURES: Readonly<Record<number, string>> = {
  1: 'it demands TLS',
  [TLS_NOT_ALLOWED]: "it permits no TLS but RDP's own encryption alone",
  3: 'it has no certificate',
  4: 'the flags are inconsistent',
  5: 'it demands network level authentication',
  6: 'it demands TLS with a certificate of the user',
};

/** Names one of several machines behind a port, in front of everything else. [MS-RDPEPS] 2.2.1.2 */
export function preconnection(id: number, blob: string): Uint8Array {
  const text = blob === '' ? new Uint8Array(0) : joinBytes(utf16(blob), new Uint8Array(2));
  const fields = joinBytes(u32le(0), u32le(2), u32le(id), u16le(text.length / 2), text);
  return joinBytes(u32le(fields.length + 4), fields);
}

/** X.224 Connection Request with an RDP Negotiation Request. [MS-RDPBCGR] 2.2.1.1 */
export function connectionRequest(protocols: number, routing: string): Uint8Array {
  const token = routing === '' ? new Uint8Array(0) : ascii(`${routing}\r\n`);
  const length = 11 + token.length + 8;
  const head = Uint8Array.of(3, 0, length >> 8, length & 0xff, length - 5, 0xe0, 0, 0, 0, 0, 0);
  return joinBytes(head, token, Uint8Array.of(1, 0, 8, 0, protocols, 0, 0, 0));
}

/** requestedProtocols of a Connection Request; 0 where it negotiates nothing. [MS-RDPBCGR] 2.2.1.1.1 */
export function requestedProtocols(pdu: Uint8Array): number {
  const at = pdu.length - 8;
  return at >= 11 && pdu[at] === 1 ? viewOf(pdu).getUint32(at + 4, true) : 0;
}

/** X.224 Connection Confirm with an RDP Negotiation Response. [MS-RDPBCGR] 2.2.1.2 */
export function connectionConfirm(flags: number, protocol: number): Uint8Array {
  return Uint8Array.of(3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, flags, 8, 0, protocol, 0, 0, 0);
}

export interface Negotiated {
  readonly protocol: number;
  readonly flags: number;
}

export interface Refusal {
  readonly refusal: string;
  readonly code: number;
}

/** Whether there is nothing to be had from a server but RDP's own encryption: it chose that, or refuses TLS. */
export function isWithoutTls(answer: Negotiated | Refusal): boolean {
  return 'refusal' in answer ? answer.code === TLS_NOT_ALLOWED : answer.protocol === PROTOCOL.rdp;
}

const GRAPHICS_PIPELINE = 0x02;

/**
 * xrdp 0.9 says that it takes characters, looks for them on the layout and loses those that it does not find there. It is told by
 * lacking the graphics pipeline, which Windows has had since 8. [MS-RDPBCGR] 2.2.1.2.1
 */
export function takesCharacters({ flags }: Negotiated): boolean {
  return (flags & GRAPHICS_PIPELINE) !== 0;
}

/** @throws Fault TARGET_PROTOCOL_VIOLATION; the words of a refusal are returned */
export function parseConnectionConfirm(pdu: Uint8Array): Negotiated | Refusal {
  if (pdu[5] !== 0xd0) throw violation('its first answer confirms no connection');
  // Servers from before TLS answer without a negotiation at all.
  if (pdu.length < 19) return { protocol: PROTOCOL.rdp, flags: 0 };
  const value = viewOf(pdu).getUint32(15, true);
  if (pdu[11] === 3) return { refusal: FAILURES[value] ?? `it refuses with code ${value}`, code: value };
  if (pdu[11] !== 2) throw violation('its negotiation is none');
  return { protocol: value, flags: pdu[12] ?? 0 };
}
