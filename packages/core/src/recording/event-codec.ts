import { Fault } from '../fault/index.ts';
import { utf8 } from './bytes.ts';
import type { RecordingEvent, TransferDirection } from './recorder.ts';

/**
 * An event inside a chunk:
 *
 * | field   | bytes  | note                                                        |
 * |---------|--------|-------------------------------------------------------------|
 * | delta   | 1–8    | varint, µs since the event before; 0 for the chunk's first  |
 * | kind    | 1      | `KIND`                                                      |
 * | channel | 1      | which stream; 0 for what has none                           |
 * | length  | 1–4    | varint, at most 256 KiB                                     |
 * | data    | length |                                                             |
 *
 * A varint is LEB128 without superfluous bytes, at most 2^53 − 1. Text is UTF-8; `text` below is varint length and bytes.
 */
const KIND = {
  output: 1,
  input: 2,
  resize: 3,
  file: 7,
  clipboard: 8,
  join: 9,
  leave: 10,
  marker: 11,
  gap: 12,
  'input-length': 13,
  segment: 14,
  preamble: 15,
  'key-frame': 16,
  pointer: 17,
  'sealed-keys': 18,
} as const;

const ON_CHANNELS = new Set<number>([
  KIND.output,
  KIND.segment,
  KIND.preamble,
  KIND['key-frame'],
  KIND.pointer,
  KIND['sealed-keys'],
]);

export const MAX_EVENT_BYTES = 256 * 1024;
export const MAX_CHANNEL = 255;
export const EVENT_OVERHEAD_BYTES = 8 /* delta */ + 1 /* kind */ + 1 /* channel */ + 4; /* length */
const MAX_TEXT_BYTES = 4096;
const SHA256_BYTES = 32;

/** An event whose data is laid out; `output` and `input` refer to the caller's bytes and copy nothing. */
export interface EncodedEvent {
  readonly kind: number;
  readonly channel: number;
  readonly data: Uint8Array;
}

export function encodeEvent(event: RecordingEvent): EncodedEvent {
  const channel = 'channel' in event ? (event.channel ?? 0) : 0;
  if (!Number.isInteger(channel) || channel < 0 || channel > MAX_CHANNEL)
    throw new RangeError(`a channel is 0 to ${MAX_CHANNEL}, received ${channel}`);
  return { kind: KIND[event.kind], channel, data: dataOf(event) };
}

function dataOf(event: RecordingEvent): Uint8Array {
  switch (event.kind) {
    case 'output':
    case 'input':
      return event.bytes;
    case 'input-length':
      return Uint8Array.from(varint(event.count));
    case 'resize':
      return Uint8Array.from([...varint(event.columns), ...varint(event.rows)]);
    case 'join':
    case 'leave':
      return Uint8Array.from([event.mode === 'control' ? 0 : 1, ...text(event.viewer), ...text(event.user)]);
    case 'segment':
      return Uint8Array.from([event.mode === 'control' ? 0 : 1, ...text(event.viewer)]);
    case 'preamble':
      return numbered(event.part, event.bytes);
    case 'sealed-keys':
      return numbered(event.sequence, event.bytes);
    case 'pointer':
      return Uint8Array.from([...varint(event.x), ...varint(event.y), ...varint(event.buttons)]);
    case 'key-frame':
      return Uint8Array.of(event.phase === 'begins' ? 0 : 1);
    case 'marker':
      return Uint8Array.from(text(event.text));
    case 'file':
      return Uint8Array.from([...transfer(event), ...text(event.name)]);
    case 'clipboard':
      return Uint8Array.from(transfer(event));
    case 'gap':
      return Uint8Array.from([...varint(event.bytes), ...text(event.reason)]);
  }
}

/** Writes the event at `at` and returns the offset behind it. `target` has room for EVENT_OVERHEAD_BYTES and the data. */
export function writeEvent(target: Uint8Array, at: number, event: EncodedEvent & { readonly deltaUs: number }): number {
  let offset = writeVarint(target, at, event.deltaUs);
  target[offset++] = event.kind;
  target[offset++] = event.channel;
  offset = writeVarint(target, offset, event.data.length);
  target.set(event.data, offset);
  return offset + event.data.length;
}

/** The events of a chunk with their time since the start. @throws Fault RECORDING_DAMAGED at the first byte that is no event. */
export function* decodeEvents(
  plain: Uint8Array,
  firstUs: number,
): Generator<{ readonly atUs: number; readonly event: RecordingEvent }> {
  const reader = new Reader(plain);
  let atUs = firstUs;
  while (!reader.ended) {
    atUs += reader.varint();
    const kind = reader.byte();
    const channel = reader.byte();
    if (channel !== 0 && !ON_CHANNELS.has(kind)) throw reader.damage('channel is not 0');
    const length = reader.varint();
    if (length > MAX_EVENT_BYTES) throw reader.damage(`event of ${length} bytes`);
    const data = new Reader(reader.take(length));
    const event = decodeData(kind, channel, data);
    if (!data.ended) throw reader.damage(`event of kind ${kind} is longer than its fields`);
    yield { atUs, event };
  }
}

function decodeData(kind: number, channel: number, data: Reader): RecordingEvent {
  switch (kind) {
    case KIND.output:
      return { kind: 'output', bytes: data.rest(), ...(channel === 0 ? {} : { channel }) };
    case KIND.segment:
      return { kind: 'segment', channel, mode: data.choice('control', 'watch'), viewer: data.text() };
    case KIND.preamble:
      return { kind: 'preamble', channel, part: data.varint(), bytes: data.rest() };
    case KIND.pointer:
      return { kind: 'pointer', channel, x: data.varint(), y: data.varint(), buttons: data.varint() };
    case KIND['sealed-keys']:
      return { kind: 'sealed-keys', channel, sequence: data.varint(), bytes: data.rest() };
    case KIND['key-frame']:
      return { kind: 'key-frame', channel, phase: data.choice('begins', 'whole') };
    case KIND.input:
      return { kind: 'input', bytes: data.rest() };
    case KIND['input-length']:
      return { kind: 'input-length', count: data.varint() };
    case KIND.resize:
      return { kind: 'resize', columns: data.varint(), rows: data.varint() };
    case KIND.join:
    case KIND.leave: {
      const mode = data.choice('control', 'watch');
      return { kind: kind === KIND.join ? 'join' : 'leave', mode, viewer: data.text(), user: data.text() };
    }
    case KIND.marker:
      return { kind: 'marker', text: data.text() };
    case KIND.file:
      return { kind: 'file', ...data.transfer(), name: data.text() };
    case KIND.clipboard:
      return { kind: 'clipboard', ...data.transfer() };
    case KIND.gap:
      return { kind: 'gap', bytes: data.varint(), reason: data.text() };
    default:
      throw data.damage(`event kind ${kind} is unknown`);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  damage(what: string): Fault {
    return new Fault('RECORDING_DAMAGED', `${what} at byte ${this.#at} of ${this.#bytes.length}`);
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.damage('event ends early');
    this.#at++;
    return byte;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.damage(`event ends early, ${length} bytes wanted`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let index = 0; index < 8; index++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER || (byte === 0 && index > 0)) break;
        return value;
      }
      factor *= 0x80;
    }
    throw this.damage('number is too long');
  }

  choice<A extends string, B extends string>(zero: A, one: B): A | B {
    const byte = this.byte();
    if (byte > 1) throw this.damage(`choice is ${byte}`);
    return byte === 0 ? zero : one;
  }

  text(): string {
    const length = this.varint();
    if (length > MAX_TEXT_BYTES) throw this.damage(`text of ${length} bytes`);
    const bytes = this.take(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.damage('text is no UTF-8');
    }
  }

  transfer(): { direction: TransferDirection; size: number; sha256: Uint8Array } {
    return { direction: this.choice('upload', 'download'), size: this.varint(), sha256: this.take(SHA256_BYTES) };
  }
}

function transfer(event: {
  readonly direction: TransferDirection;
  readonly size: number;
  readonly sha256: Uint8Array;
}): number[] {
  if (event.sha256.length !== SHA256_BYTES)
    throw new RangeError(`a SHA-256 has 32 bytes, received ${event.sha256.length}`);
  return [event.direction === 'upload' ? 0 : 1, ...varint(event.size), ...event.sha256];
}

function numbered(number: number, bytes: Uint8Array): Uint8Array {
  const head = varint(number);
  const data = new Uint8Array(head.length + bytes.length);
  data.set(head);
  data.set(bytes, head.length);
  return data;
}

/** Texts are names and reasons; one past the limit is cut at a character and says so by an ellipsis. */
function text(value: string): number[] {
  let bytes = utf8(value);
  if (bytes.length > MAX_TEXT_BYTES) {
    let end = MAX_TEXT_BYTES - 3; /* ellipsis */
    while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    bytes = Uint8Array.of(...bytes.subarray(0, end), ...utf8('…'));
  }
  return [...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  const out = new Uint8Array(8);
  return [...out.subarray(0, writeVarint(out, 0, value))];
}

function writeVarint(target: Uint8Array, at: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`a number in an event must be a safe integer from 0, received ${value}`);
  let offset = at;
  let rest = value;
  while (rest >= 0x80) {
    target[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[offset++] = rest;
  return offset;
}
