import {
  ascii,
  indexOfBytes,
  invalid,
  joinBytes,
  latin1,
  readU16,
  readU32,
  u16be,
  u16le,
  u32le,
  utf16,
  viewOf,
  violation,
} from './bytes.ts';
import { der, derChildren, derNumber, integer, octets, readDer, sequence } from './der.ts';
import { dataTpdu, settingsBlocks, tpduBody, type SettingsBlock } from './mcs.ts';
import { METHOD } from './server-security.ts';
import { PROTOCOL } from './x224.ts';

const CLIENT = { core: 0xc001, security: 0xc002, network: 0xc003, cluster: 0xc004 } as const;
const SERVER = { core: 0x0c01, security: 0x0c02, network: 0x0c03 } as const;

/** earlyCapabilityFlags. [MS-RDPBCGR] 2.2.1.3.2 */
const EARLY = { errorInfo: 0x1, want32Bits: 0x2, validConnectionType: 0x20, skipChannelJoin: 0x800 } as const;
const CORE_BYTES = 216;
const CORE_WITH_SCALE_BYTES = 234;
const MOST_CHANNELS = 31;
const SMALLEST_SIDE = 200;
const LARGEST_SIDE = 8192;
const MOST_PIXELS = 8192 * 4320;
const IO_CHANNEL = 1003;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A desktop larger than this is taken for an attack on the browser's memory. */
export function isSane({ width, height }: Size): boolean {
  return width >= 1 && height >= 1 && width <= LARGEST_SIDE && height <= LARGEST_SIDE && width * height <= MOST_PIXELS;
}

const SCALES = { least: 100, most: 500 } as const;

/** What a viewer's decoder asks for with its MCS Connect Initial. */
export interface ViewerWishes {
  readonly size: Size;
  /** 0 where it does not say. */
  readonly keyboardLayout: number;
  /** desktopPhysicalWidth to deviceScaleFactor, as they stand. */
  readonly scale: Uint8Array | undefined;
  readonly skipsChannelJoin: boolean;
  readonly channels: readonly string[];
}

/** What the gateway says in its place. */
export interface ClientSettings {
  readonly size: Size;
  readonly scale: Uint8Array | undefined;
  readonly skipsChannelJoin: boolean;
  readonly channels: readonly string[];
  readonly keyboardLayout: number;
  readonly colourDepth: 16 | 24 | 32;
  readonly clientName: string;
  readonly selectedProtocol: number;
  readonly console: boolean;
}

/** The settings in a Connect Initial or Response; undefined where there are none. T.125 7, T.124 8.7 */
function settingsOf(pdu: Uint8Array, tag: number, key: string): readonly SettingsBlock[] | undefined {
  const body = tpduBody(pdu);
  if (body?.[0] !== 0x7f || body[1] !== tag) return undefined;
  const whole = readDer(body, 1);
  if (whole === undefined || whole === null) return undefined;
  const fields = derChildren(whole.value);
  const userData = fields.at(-1);
  if (userData?.tag !== 0x04) return undefined;
  const [result] = fields;
  if (tag === 0x66 && (result?.tag !== 0x0a || derNumber(result.value) !== 0))
    throw violation('it refuses the MCS connection');
  const at = indexOfBytes(userData.value, ascii(key));
  if (at < 0) return undefined;
  const from = at + key.length;
  const head = (userData.value[from] ?? 0) < 0x80 ? 1 : 2;
  return settingsBlocks(userData.value.subarray(from + head));
}

/** [MS-RDPBCGR] 2.2.1.3. @throws Fault PROTOCOL_MESSAGE_INVALID */
export function parseConnectInitial(pdu: Uint8Array): ViewerWishes {
  const blocks = settingsOf(pdu, 0x65, 'Duca');
  const core = blocks?.find(({ type }) => type === CLIENT.core)?.bytes;
  if (core === undefined || core.length < 132) throw invalid('its MCS Connect Initial is none');
  const size = { width: readU16(core, 8), height: readU16(core, 10) };
  if (!isSane(size) || size.width < SMALLEST_SIDE || size.height < SMALLEST_SIDE)
    throw invalid(`a desktop of ${size.width} × ${size.height}`);
  const network = blocks?.find(({ type }) => type === CLIENT.network)?.bytes;
  const count = network === undefined || network.length < 8 ? 0 : readU32(network, 4);
  if (count > MOST_CHANNELS || (network !== undefined && network.length < 8 + 12 * count))
    throw invalid(`${count} virtual channels`);
  const channels = Array.from({ length: count }, (_, index) =>
    latin1(network?.subarray(8 + 12 * index, 16 + 12 * index) ?? new Uint8Array(0)).toLowerCase(),
  );
  if (new Set(channels).size !== count) throw invalid('two virtual channels of one name');
  return {
    size,
    channels,
    keyboardLayout: readU32(core, 16),
    scale: core.length >= CORE_WITH_SCALE_BYTES ? core.slice(CORE_BYTES, CORE_WITH_SCALE_BYTES) : undefined,
    skipsChannelJoin: core.length >= 146 && (readU16(core, 144) & EARLY.skipChannelJoin) !== 0,
  };
}

/**
 * What a person chose, as a machine is told it: how much larger than usual it is to draw. IronRDP leaves that open when it connects.
 * Undefined where the number is none that a machine heeds. [MS-RDPBCGR] 2.2.1.3.2
 */
export function scaleOf(percent: string | null): Uint8Array | undefined {
  if (percent === null || !/^\d{3}$/u.test(percent)) return undefined;
  const desktopScale = Number(percent);
  if (desktopScale < SCALES.least || desktopScale > SCALES.most) return undefined;
  // A physical size of nothing is passed over; the scale of a device must be one of three for the other to count.
  return joinBytes(u32le(0), u32le(0), u16le(0), u32le(desktopScale), u32le(100));
}

function clientCore(settings: ClientSettings): Uint8Array {
  const core = new Uint8Array(settings.scale === undefined ? CORE_BYTES : CORE_WITH_SCALE_BYTES);
  const view = viewOf(core);
  const put16 = (at: number, value: number): void => {
    view.setUint16(at, value, true);
  };
  const put32 = (at: number, value: number): void => {
    view.setUint32(at, value, true);
  };
  put16(0, CLIENT.core);
  put16(2, core.length);
  put32(4, 0x0008_000c);
  put16(8, settings.size.width);
  put16(10, settings.size.height);
  put16(12, 0xca01);
  put16(14, 0xaa03);
  put32(16, settings.keyboardLayout);
  // xrdp resizes for clients only that tell a build.
  put32(20, 18_363);
  core.set(utf16(settings.clientName.slice(0, 15)), 24);
  put32(56, 4);
  put32(64, 12);
  put16(132, 0xca01);
  put16(134, 1);
  put16(140, Math.min(settings.colourDepth, 24));
  put16(142, settings.colourDepth === 32 ? 0xf : 0x7);
  put16(
    144,
    EARLY.errorInfo |
      EARLY.validConnectionType |
      (settings.colourDepth === 32 ? EARLY.want32Bits : 0) |
      (settings.skipsChannelJoin ? EARLY.skipChannelJoin : 0),
  );
  core[210] = 6;
  put32(212, settings.selectedProtocol);
  if (settings.scale !== undefined) core.set(settings.scale, CORE_BYTES);
  return core;
}

/** No options: in particular no compression. [MS-RDPBCGR] 2.2.1.3.4 */
function clientNetwork(channels: readonly string[]): Uint8Array {
  const block = new Uint8Array(8 + 12 * channels.length);
  const view = viewOf(block);
  view.setUint16(0, CLIENT.network, true);
  view.setUint16(2, block.length, true);
  view.setUint32(4, channels.length, true);
  for (const [index, name] of channels.entries()) {
    block.set(ascii(name.slice(0, 7)), 8 + 12 * index);
    view.setUint32(16 + 12 * index, 0x8000_0000, true);
  }
  return block;
}

/** [MS-RDPBCGR] 2.2.1.3.5; session 0 is the administrative one. */
const CONSOLE = Uint8Array.of(0x04, 0xc0, 12, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0);
/** Methods of encryption: none where it is TLS's, all of RC4 otherwise. [MS-RDPBCGR] 2.2.1.3.3 */
function clientSecurity(selectedProtocol: number): Uint8Array {
  const methods =
    selectedProtocol === PROTOCOL.rdp ? METHOD.rc4With40Bits | METHOD.rc4With56Bits | METHOD.rc4With128Bits : 0;
  return joinBytes(u16le(CLIENT.security), u16le(12), u32le(methods), u32le(0));
}

/** T.125 DomainParameters: channels, users, tokens, priorities, throughput, height, PDU size, version. */
const parameters = (...values: readonly number[]): Uint8Array => sequence(...values.map(integer));

function perLength(length: number): Uint8Array {
  return u16be(0x8000 | length);
}

function connectPdu(tag: number, ...fields: readonly Uint8Array[]): Uint8Array {
  return dataTpdu(joinBytes(Uint8Array.of(0x7f), der(tag, ...fields)));
}

/** [MS-RDPBCGR] 2.2.1.3, annotated in 4.1.3 */
export function connectInitial(settings: ClientSettings): Uint8Array {
  const blocks = joinBytes(
    clientCore(settings),
    ...(settings.console ? [CONSOLE] : []),
    clientSecurity(settings.selectedProtocol),
    ...(settings.channels.length === 0 ? [] : [clientNetwork(settings.channels)]),
  );
  const request = joinBytes(Uint8Array.of(0, 8, 0, 16, 0, 1, 0xc0, 0), ascii('Duca'), perLength(blocks.length), blocks);
  const userData = joinBytes(Uint8Array.of(0, 5, 0, 0x14, 0x7c, 0, 1), perLength(request.length), request);
  return connectPdu(
    0x65,
    octets(Uint8Array.of(1)),
    octets(Uint8Array.of(1)),
    der(0x01, Uint8Array.of(0xff)),
    parameters(34, 2, 0, 1, 0, 1, 65_535, 2),
    parameters(1, 1, 1, 1, 0, 1, 1056, 2),
    parameters(65_535, 64_535, 65_535, 1, 0, 1, 65_535, 2),
    octets(userData),
  );
}

export interface ServerSettings {
  readonly io: number;
  /** In the order in which they were asked for. */
  readonly channels: readonly number[];
  readonly version: number;
  readonly early: number;
}

/** The block of a Connect Response that is about encryption. @throws Fault TARGET_PROTOCOL_VIOLATION */
export function serverSecurityOf(pdu: Uint8Array): Uint8Array {
  const block = settingsOf(pdu, 0x66, 'McDn')?.find(({ type }) => type === SERVER.security);
  if (block === undefined) throw violation('its MCS Connect Response says nothing of encryption');
  return block.bytes;
}

/** [MS-RDPBCGR] 2.2.1.4. @throws Fault TARGET_PROTOCOL_VIOLATION */
export function parseConnectResponse(pdu: Uint8Array): ServerSettings {
  const blocks = settingsOf(pdu, 0x66, 'McDn');
  const find = (type: number): Uint8Array | undefined => blocks?.find((block) => block.type === type)?.bytes;
  const [core, security, network] = [find(SERVER.core), find(SERVER.security), find(SERVER.network)];
  if (core === undefined || core.length < 8) throw violation('its MCS Connect Response is none');
  if (security !== undefined && security.length >= 12 && readU32(security, 4) !== 0)
    throw violation('it demands encryption of its own inside TLS');
  const io = network === undefined || network.length < 8 ? IO_CHANNEL : readU16(network, 4);
  const count = network === undefined || network.length < 8 ? 0 : readU16(network, 6);
  if (network !== undefined && network.length < 8 + 2 * count) throw violation('its list of channels ends early');
  const channels = Array.from({ length: count }, (_, index) => readU16(network ?? new Uint8Array(0), 8 + 2 * index));
  return { io, channels, version: readU32(core, 4), early: core.length >= 16 ? readU32(core, 12) : 0 };
}

/** The same answer for a viewer's decoder, with a channel for each that it asked for. */
export function connectResponse(settings: ServerSettings, requestedProtocols: number): Uint8Array {
  const core = new Uint8Array(16);
  const view = viewOf(core);
  for (const [index, value] of [SERVER.core, 16].entries()) view.setUint16(2 * index, value, true);
  for (const [index, value] of [settings.version, requestedProtocols, settings.early].entries())
    view.setUint32(4 + 4 * index, value, true);
  const { channels } = settings;
  const padding = new Uint8Array(channels.length % 2 === 0 ? 0 : 2);
  const ids = joinBytes(u16le(settings.io), u16le(channels.length), ...channels.map(u16le), padding);
  const blocks = joinBytes(
    core,
    Uint8Array.of(0x02, 0x0c, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    u16le(SERVER.network),
    u16le(4 + ids.length),
    ids,
  );
  const response = joinBytes(
    Uint8Array.of(0x14, 0x76, 0x0a, 1, 1, 0, 1, 0xc0, 0),
    ascii('McDn'),
    perLength(blocks.length),
    blocks,
  );
  const userData = joinBytes(Uint8Array.of(0, 5, 0, 0x14, 0x7c, 0, 1), perLength(response.length), response);
  return connectPdu(
    0x66,
    der(0x0a, Uint8Array.of(0)),
    integer(0),
    parameters(34, 3, 0, 1, 0, 1, 65_528, 2),
    octets(userData),
  );
}
