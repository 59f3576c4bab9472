import { joinBytes, u16le, u32le, utf16 } from './bytes.ts';

/** Flags of a security header. [MS-RDPBCGR] 2.2.8.1.1.2.1 */
export const SECURITY = {
  exchange: 0x0001,
  encrypted: 0x0008,
  info: 0x0040,
  license: 0x0080,
  licenseEncrypted: 0x0200,
  saltedSignature: 0x0800,
} as const;

/** [MS-RDPBCGR] 2.2.1.11.1.1: mouse, no Ctrl+Alt+Del first, Unicode, maximised shell, notice of sign-in, Windows key, errors of sign-in, wheel, no sound. No compression. */
const FLAGS = 0x1 | 0x2 | 0x10 | 0x20 | 0x40 | 0x100 | 0x1_0000 | 0x2_0000 | 0x8_0000;
const AUTOLOGON = 0x8;
const TIME_ZONE_BYTES = 172;

/** Who signs in, and to what. */
export interface SignOn {
  readonly domain: string;
  readonly username: string;
  readonly password: string;
  readonly shell: string;
  readonly workingDirectory: string;
  /** [MS-RDPBCGR] 2.2.1.11.1.1.1 */
  readonly performanceFlags: number;
}

/** Client Info PDU, without an auto-reconnect cookie. [MS-RDPBCGR] 2.2.1.11.1 */
export function clientInfo(signOn: SignOn): Uint8Array {
  const { domain, username, password, shell, workingDirectory, performanceFlags } = signOn;
  const texts = [domain, username, password, shell, workingDirectory].map(utf16);
  const nul = new Uint8Array(2);
  return joinBytes(
    u16le(SECURITY.info),
    u16le(0),
    u32le(0),
    u32le(FLAGS | (password === '' ? 0 : AUTOLOGON)),
    ...texts.map((text) => u16le(text.length)),
    ...texts.flatMap((text) => [text, nul]),
    // TS_EXTENDED_INFO_PACKET: an IPv4 address and a folder of the client, both empty.
    ...[u16le(2), u16le(2), nul, u16le(2), nul],
    new Uint8Array(TIME_ZONE_BYTES),
    u32le(0),
    u32le(performanceFlags),
    u16le(0),
  );
}
