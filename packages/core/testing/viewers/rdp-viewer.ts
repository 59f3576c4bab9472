import { Buffer } from 'node:buffer';

/** A client of RDP as a browser's decoder is one: RDCleanPath first, then PDUs. It draws nothing and counts what it is shown. */
export interface RdpViewerOptions {
  readonly send: (bytes: Uint8Array) => void;
  readonly width?: number;
  readonly height?: number;
  readonly channels?: readonly string[];
  /** For the RDCleanPath request, as `keyboard=de-CH`. */
  readonly choices?: string;
  /** Takes pictures in RemoteFX, as IronRDP does; otherwise the target sends bitmaps. */
  readonly remoteFx?: boolean;
}

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, (value >> 8) & 0xff]);
const u16be = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value >>> 0);
  return out;
};
const tlv = (tag: readonly number[], value: Buffer): Buffer => {
  const length =
    value.length < 0x80 ? Buffer.from([value.length]) : Buffer.concat([Buffer.from([0x82]), u16be(value.length)]);
  return Buffer.concat([Buffer.from(tag), length, value]);
};
const tpdu = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([3, 0]), u16be(body.length + 7), Buffer.from([2, 0xf0, 0x80]), body]);

/** The whole of an RDCleanPath request. https://github.com/Devolutions/IronRDP/tree/master/crates/ironrdp-rdcleanpath */
export function cleanPathRequest(choices = '', protocols = 1): Buffer {
  const x224 = Buffer.from([3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, protocols, 0, 0, 0]);
  return tlv(
    [0x30],
    Buffer.concat([
      tlv([0xa0], tlv([2], Buffer.from([0x0d, 0x3e]))),
      tlv([0xa2], tlv([0x0c], Buffer.from('a target that the gateway knows better'))),
      tlv([0xa3], tlv([0x0c], Buffer.from(choices))),
      tlv([0xa6], tlv([4], x224)),
    ]),
  );
}

const set = (type: number, body: Buffer): Buffer => Buffer.concat([u16(type), u16(body.length + 4), body]);

/** Large pointers, surface commands, codecs and acknowledged frames. [MS-RDPBCGR] 2.2.7.2.7, 2.2.7.2.9 to 2.2.7.2.11, [MS-RDPRFX] 2.2.1.1 */
const REMOTE_FX_SETS = ((): readonly Buffer[] => {
  const codec = Buffer.from('122f777672bd6344afb3b73c9c6f7886', 'hex');
  // Image mode, tiles of 64 × 64, RLGR3.
  const tiles = Buffer.concat([u16(0x100), u16(64), Buffer.from([2, 1, 1, 4])]);
  const capability = Buffer.concat([
    ...[u16(0xcbc1), u32(13 + tiles.length), Buffer.from([1]), u16(0xcfc0), u16(1), u16(tiles.length)],
    tiles,
  ]);
  const capabilities = Buffer.concat([u16(0xcbc0), u32(8), u16(1), capability]);
  const properties = Buffer.concat([u32(12 + capabilities.length), u32(1), u32(capabilities.length), capabilities]);
  return [
    set(27, u16(1)),
    set(28, Buffer.concat([u32(0x52), u32(0)])),
    set(29, Buffer.concat([Buffer.from([1]), codec, Buffer.from([3]), u16(properties.length), properties])),
    set(30, u32(20)),
  ];
})();

function capabilities(further: readonly Buffer[]): Buffer {
  const general = Buffer.concat([...[1, 3, 0x200, 0, 0, 0x441, 0, 0, 0].map(u16), Buffer.from([1, 1])]);
  const bitmap = (width: number, height: number): Buffer =>
    Buffer.concat([...[32, 1, 1, 1, width, height, 0, 1, 1].map(u16), Buffer.from([0, 8]), ...[1, 0].map(u16)]);
  const order = Buffer.alloc(84);
  order.writeUInt16LE(1, 20);
  order.writeUInt16LE(20, 22);
  order.writeUInt16LE(1, 26);
  order.writeUInt16LE(0x0a, 30);
  const input = Buffer.alloc(84);
  input.writeUInt16LE(0x35, 0);
  input.writeUInt32LE(0x409, 4);
  input.writeUInt32LE(4, 8);
  input.writeUInt32LE(12, 16);
  const sets = [
    set(1, general),
    set(2, bitmap(1024, 768)),
    set(3, order),
    set(4, Buffer.alloc(36)),
    set(8, Buffer.concat([u16(1), u16(20), u16(20)])),
    set(13, input),
    set(20, Buffer.concat([u32(0), u32(1600)])),
    set(26, u32(0x20_0000)),
    ...further,
  ];
  return Buffer.concat([u16(sets.length), u16(0), ...sets]);
}

const FAST_PATH_SURFACE_COMMANDS = 4;
const COMMAND = { setSurfaceBits: 1, frameMarker: 4, streamSurfaceBits: 6 } as const;

/** Ids of the frames that end in a fast-path PDU of whole updates. [MS-RDPBCGR] 2.2.9.1.2.1, 2.2.9.2 */
function* endedFrames(pdu: Buffer): Generator<number> {
  for (let at = (pdu[1] ?? 0) < 0x80 ? 2 : 3; at + 3 <= pdu.length;) {
    const code = pdu[at] ?? 0;
    const end = at + 3 + pdu.readUInt16LE(at + 1);
    if (code === FAST_PATH_SURFACE_COMMANDS) yield* endedFramesOf(pdu.subarray(at + 3, end));
    at = end;
  }
}

function* endedFramesOf(commands: Buffer): Generator<number> {
  for (let at = 0; at + 8 <= commands.length;) {
    const command = commands.readUInt16LE(at);
    if (command === COMMAND.frameMarker) {
      if (commands.readUInt16LE(at + 2) === 1) yield commands.readUInt32LE(at + 4);
      at += 8;
    } else if (command === COMMAND.setSurfaceBits || command === COMMAND.streamSurfaceBits)
      at += 22 + commands.readUInt32LE(at + 18);
    else return;
  }
}

const LICENCE_WISH = Buffer.concat([Buffer.from([0x13, 3]), u16(64), Buffer.alloc(60)]);

export class RdpViewer {
  readonly #options: RdpViewerOptions;
  #rest = Buffer.alloc(0);
  #state: 'clean-path' | 'response' | 'attach' | 'join' | 'licence' | 'capabilities' | 'active' = 'clean-path';
  #user = 0;
  #io = 0;
  #ids: number[] = [];
  #toJoin: number[] = [];
  #shareId = 0;
  #displayControl: number | undefined;
  #hasLimits = false;
  /** Size of the desktop as the target last said. */
  size = { width: 0, height: 0 };
  /** Font Maps seen: how often the desktop was there anew. */
  activations = 0;
  /** PDUs with something to draw. */
  updates = 0;
  /** Frames of surface commands, each acknowledged; counted with `remoteFx`. */
  frames = 0;
  bytes = 0;
  /** Static virtual channels' messages, by name. */
  readonly heard = new Map<string, Buffer[]>();
  failure: string | undefined;

  constructor(options: RdpViewerOptions) {
    this.#options = options;
  }

  /** What a decoder says first. */
  greet(): void {
    this.#options.send(cleanPathRequest(this.#options.choices));
  }

  get isActive(): boolean {
    return this.#state === 'active';
  }

  /** Bytes of the data socket, in order. */
  push(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#state === 'clean-path' && !this.#cleanPath()) return;
    for (;;) {
      const [first = 0, second = 0] = this.#rest;
      if (this.#rest.length < 4) return;
      const length =
        first === 3
          ? this.#rest.readUInt16BE(2)
          : second < 0x80
            ? second
            : ((second & 0x7f) << 8) | (this.#rest[2] ?? 0);
      if (this.#rest.length < length || length < 3) return;
      const pdu = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      this.#take(pdu);
    }
  }

  /** A fast-path PDU of key events: each of the keys goes down and up. */
  keys(...scancodes: readonly number[]): Buffer {
    const events = scancodes.flatMap((code) => [0x00, code, 0x01, code]);
    return Buffer.from([(scancodes.length * 2) << 2, events.length + 2, ...events]);
  }

  /** The state of Caps Lock and its like: what a decoder sends by itself. */
  locks(): Buffer {
    return Buffer.from([1 << 2, 3, 0x60]);
  }

  pointer(x: number, y: number): Buffer {
    return Buffer.concat([Buffer.from([1 << 2, 9, 0x20]), u16(0x0800), u16(x), u16(y)]);
  }

  /** Asks for the whole picture. */
  refresh(): Buffer {
    const { width, height } = this.size;
    return this.#data(33, Buffer.concat([Buffer.from([1, 0, 0, 0]), ...[0, 0, width - 1, height - 1].map(u16)]));
  }

  /** A message on a static channel, in one chunk. */
  channel(name: string, message: Buffer): Buffer {
    const id = this.#ids[(this.#options.channels ?? []).indexOf(name)] ?? 0;
    return this.#send(id, Buffer.concat([u32(message.length), u32(3), message]));
  }

  /** Asks for another size by display control. [MS-RDPEDISP] 2.2.2.2 */
  resize(width: number, height: number): Buffer {
    const monitor = [1, 0, 0, width, height, 300, 200, 0, 100, 100].map(u32);
    const layout = Buffer.concat([u32(2), u32(56), u32(40), u32(1), ...monitor]);
    return this.channel('drdynvc', Buffer.concat([Buffer.from([0x30, this.#displayControl ?? 0]), layout]));
  }

  /** Whether the target has opened display control and told its limits. */
  get canResize(): boolean {
    return this.#displayControl !== undefined && this.#hasLimits;
  }

  /** [MS-RDPEDYC] 2.2 */
  #dynamic(message: Buffer): void {
    const [first = 0, id = 0] = message;
    switch (first >> 4) {
      case 5:
        this.#options.send(this.channel('drdynvc', Buffer.concat([Buffer.from([0x50, 0]), message.subarray(2, 4)])));
        return;
      case 1:
        if (message.includes('DisplayControl')) this.#displayControl = id;
        this.#options.send(this.channel('drdynvc', Buffer.concat([Buffer.from([0x10, id]), u32(0)])));
        return;
      case 2:
      case 3:
        if (id === this.#displayControl) this.#hasLimits = true;
        return;
      default:
    }
  }

  #send(channel: number, data: Buffer): Buffer {
    const length = data.length < 0x80 ? Buffer.from([data.length]) : u16be(0x8000 | data.length);
    return tpdu(
      Buffer.concat([Buffer.from([0x64]), u16be(this.#user - 1001), u16be(channel), Buffer.from([0x70]), length, data]),
    );
  }

  #data(type: number, body: Buffer): Buffer {
    return this.#send(
      this.#io,
      Buffer.concat([
        ...[u16(18 + body.length), u16(0x17), u16(this.#user), u32(this.#shareId), Buffer.from([0, 1])],
        ...[u16(body.length), Buffer.from([type, 0, 0, 0]), body],
      ]),
    );
  }

  /** The RDCleanPath response; its X.224 Connection Confirm must be there. */
  #cleanPath(): boolean {
    if (this.#rest.length < 6) return false;
    const count = (this.#rest[1] ?? 0) & 0x7f;
    const isLong = (this.#rest[1] ?? 0) >= 0x80;
    const length = isLong ? this.#rest.readUIntBE(2, count) : count;
    const end = (isLong ? 2 + count : 2) + length;
    if (this.#rest.length < end) return false;
    if (!this.#rest.subarray(0, end).includes(Buffer.from([0xd0, 0, 0, 0, 0, 0, 2]))) this.failure = 'no confirm';
    this.#rest = this.#rest.subarray(end);
    this.#state = 'response';
    this.#options.send(this.#connectInitial());
    return true;
  }

  #connectInitial(): Buffer {
    const { width = 1024, height = 768, channels = [] } = this.#options;
    const core = Buffer.alloc(216);
    core.writeUInt16LE(0xc001, 0);
    core.writeUInt16LE(core.length, 2);
    core.writeUInt32LE(0x0008_0004, 4);
    core.writeUInt16LE(width, 8);
    core.writeUInt16LE(height, 10);
    core.writeUInt16LE(0xca01, 12);
    core.writeUInt16LE(0xaa03, 14);
    core.write('viewer', 24, 'utf16le');
    core.writeUInt16LE(16, 140);
    if (this.#options.remoteFx === true) {
      // A connection by LAN (RNS_UD_CS_VALID_CONNECTION_TYPE): xrdp has RemoteFX for no other.
      core.writeUInt16LE(0x20, 144);
      core[210] = 6;
    }
    core.writeUInt32LE(1, 212);
    const network = Buffer.concat([
      ...[u16(0xc003), u16(8 + 12 * channels.length), u32(channels.length)],
      ...channels.map((name) => Buffer.concat([Buffer.from(name.padEnd(8, '\0'), 'latin1'), u32(0xc080_0000)])),
    ]);
    const security = Buffer.concat([u16(0xc002), u16(12), Buffer.alloc(8)]);
    const blocks = Buffer.concat([core, security, ...(channels.length === 0 ? [] : [network])]);
    const gcc = Buffer.concat([
      Buffer.from([0, 8, 0, 16, 0, 1, 0xc0, 0]),
      Buffer.from('Duca'),
      u16be(0x8000 | blocks.length),
      blocks,
    ]);
    const userData = Buffer.concat([Buffer.from([0, 5, 0, 0x14, 0x7c, 0, 1]), u16be(0x8000 | gcc.length), gcc]);
    const domain = tlv(
      [0x30],
      Buffer.concat([34, 2, 0, 1, 0, 1, 127, 2].map((value) => tlv([2], Buffer.from([value])))),
    );
    return tpdu(
      tlv(
        [0x7f, 0x65],
        Buffer.concat([
          ...[tlv([4], Buffer.from([1])), tlv([4], Buffer.from([1])), tlv([1], Buffer.from([0xff]))],
          ...[domain, domain, domain, tlv([4], userData)],
        ]),
      ),
    );
  }

  #take(pdu: Buffer): void {
    if (pdu[0] !== 3) {
      if (this.#state !== 'active') this.failure = `a fast-path PDU while ${this.#state}`;
      this.updates += 1;
      if (this.#options.remoteFx === true)
        for (const frame of endedFrames(pdu)) {
          this.frames += 1;
          this.#options.send(this.#data(56, u32(frame)));
        }
      return;
    }
    const body = pdu.subarray(7);
    switch (this.#state) {
      case 'response': {
        const at = body.indexOf('McDn') + 6;
        for (let from = at; from + 4 <= body.length; from += body.readUInt16LE(from + 2)) {
          if (body.readUInt16LE(from) !== 0x0c03) continue;
          this.#io = body.readUInt16LE(from + 4);
          const count = body.readUInt16LE(from + 6);
          this.#ids = Array.from({ length: count }, (_, index) => body.readUInt16LE(from + 8 + 2 * index));
        }
        this.#state = 'attach';
        this.#options.send(tpdu(Buffer.from([0x04, 1, 0, 1, 0])));
        this.#options.send(tpdu(Buffer.from([0x28])));
        return;
      }
      case 'attach':
        this.#user = body.readUInt16BE(2) + 1001;
        this.#toJoin = [this.#user, this.#io, ...this.#ids];
        this.#state = 'join';
        this.#join();
        return;
      case 'join':
        if (body[0] !== 0x3e || body[1] !== 0) this.failure = 'a channel that could not be joined';
        this.#join();
        return;
      default:
        this.#shared(body);
    }
  }

  #join(): void {
    const next = this.#toJoin.shift();
    if (next !== undefined) {
      this.#options.send(tpdu(Buffer.concat([Buffer.from([0x38]), u16be(this.#user - 1001), u16be(next)])));
      return;
    }
    this.#state = 'licence';
    const texts = ['dummy', 'dummy', 'dummy', '', ''].map((text) => Buffer.from(text, 'utf16le'));
    const info = Buffer.concat([
      ...[u16(0x40), u16(0), u32(0), u32(0x13), ...texts.map(({ length }) => u16(length))],
      ...texts.flatMap((text) => [text, u16(0)]),
    ]);
    this.#options.send(this.#send(this.#io, info));
  }

  #shared(body: Buffer): void {
    if (body[0] !== 0x68) return;
    const channel = body.readUInt16BE(3);
    const data = body.subarray((body[6] ?? 0) < 0x80 ? 7 : 8);
    if (channel !== this.#io) {
      const name = this.#options.channels?.[this.#ids.indexOf(channel)];
      if (name === undefined) this.failure = `an unexpected channel ${channel}`;
      else this.heard.set(name, [...(this.heard.get(name) ?? []), data.subarray(8)]);
      if (name === 'drdynvc') this.#dynamic(data.subarray(8));
      return;
    }
    if ((data.readUInt16LE(2) & 0xfff0) !== 0x10 || (data.readUInt16LE(2) & 0xf) === 0) {
      // A licence is asked for (LICENSE_REQUEST): xrdp takes any answer, here a NEW_LICENSE_REQUEST of nothing. [MS-RDPELE] 2.2.2
      if (data[4] === 1) this.#options.send(this.#send(this.#io, Buffer.concat([u16(0x80), u16(0), LICENCE_WISH])));
      return;
    }
    switch (data.readUInt16LE(2) & 0xf) {
      case 1:
        this.#demanded(data);
        return;
      case 6:
        this.#state = 'capabilities';
        return;
      case 7:
        if (data[14] === 40) {
          this.#state = 'active';
          this.activations += 1;
        } else if (data[14] === 2) this.updates += 1;
        return;
      default:
    }
  }

  #demanded(data: Buffer): void {
    this.#shareId = data.readUInt32LE(6);
    let at = 14 + data.readUInt16LE(10);
    const count = data.readUInt16LE(at);
    at += 4;
    for (let index = 0; index < count; index++) {
      if (data.readUInt16LE(at) === 2)
        this.size = { width: data.readUInt16LE(at + 12), height: data.readUInt16LE(at + 14) };
      at += data.readUInt16LE(at + 2);
    }
    this.#state = 'capabilities';
    const source = Buffer.from('VIEWER\0');
    const taken = capabilities(this.#options.remoteFx === true ? REMOTE_FX_SETS : []);
    const body = Buffer.concat([
      ...[u32(this.#shareId), u16(0x3ea), u16(source.length), u16(taken.length)],
      ...[source, taken],
    ]);
    this.#options.send(this.#send(this.#io, Buffer.concat([u16(6 + body.length), u16(0x13), u16(this.#user), body])));
    this.#options.send(this.#data(31, Buffer.concat([u16(1), u16(1002)])));
    for (const action of [4, 1]) this.#options.send(this.#data(20, Buffer.concat([u16(action), u16(0), u32(0)])));
    this.#options.send(this.#data(39, Buffer.concat([u16(0), u16(0), u16(3), u16(50)])));
  }
}
