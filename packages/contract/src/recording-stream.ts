import { Fault } from '@enchilada/core/fault';
import type { EncodedEvent, TimedRecordingEvent } from '@enchilada/core/recording';
import {
  decodeEvents,
  encodeEvent,
  EVENT_OVERHEAD_BYTES,
  MAX_EVENT_BYTES,
  writeEvent,
} from '@enchilada/core/recording';

/**
 * Decoded events on their way to the player. The stream is the magic, then frames:
 *
 * | field  | bytes  | note                                                                     |
 * |--------|--------|--------------------------------------------------------------------------|
 * | length | 4      | big endian, of what follows; 0 ends a complete stream                    |
 * | chunk  | 4      | big endian, the recording's chunk that the events are from               |
 * | first  | 8      | big endian, µs since the start of the recording, of the frame's first    |
 * | events | rest   | as in a chunk (core/recording/event-codec.ts), the first with delta 0    |
 *
 * A stream that stops without the frame of length 0 was cut; the player says so.
 */
export const RECORDING_STREAM_MEDIA_TYPE = 'application/vnd.enchilada.events';
const MAGIC = Uint8Array.of(0x45, 0x4e, 0x45, 0x01); /* "ENE", version 1 */
const HEAD_BYTES = 4 /* chunk */ + 8; /* first */
const FRAME_TARGET_BYTES = 64 * 1024;
const MAX_FRAME_BYTES = HEAD_BYTES + FRAME_TARGET_BYTES + MAX_EVENT_BYTES + EVENT_OVERHEAD_BYTES;

/** Packs events of one chunk together, up to about 64 KiB a frame. */
export class RecordingStreamEncoder {
  #pending: (EncodedEvent & { readonly deltaUs: number })[] = [];
  #bytes = 0;
  #chunk = 0;
  #firstUs = 0;
  #lastUs = 0;

  start(): Uint8Array {
    return MAGIC;
  }

  /** The frame that became full, if one did. */
  add(timed: TimedRecordingEvent): Uint8Array | undefined {
    const full =
      this.#pending.length > 0 && (timed.chunk !== this.#chunk || this.#bytes >= FRAME_TARGET_BYTES)
        ? this.flush()
        : undefined;
    if (this.#pending.length === 0) {
      this.#chunk = timed.chunk;
      this.#firstUs = timed.atUs;
      this.#lastUs = timed.atUs;
    }
    const encoded = encodeEvent(timed.event);
    this.#pending.push({ ...encoded, deltaUs: Math.max(0, timed.atUs - this.#lastUs) });
    this.#lastUs = Math.max(this.#lastUs, timed.atUs);
    this.#bytes += EVENT_OVERHEAD_BYTES + encoded.data.length;
    return full;
  }

  flush(): Uint8Array | undefined {
    if (this.#pending.length === 0) return undefined;
    const frame = new Uint8Array(4 /* length */ + HEAD_BYTES + this.#bytes);
    const view = new DataView(frame.buffer);
    view.setUint32(4, this.#chunk);
    view.setBigUint64(8, BigInt(this.#firstUs));
    let at = 4 + HEAD_BYTES;
    for (const event of this.#pending) at = writeEvent(frame, at, event);
    view.setUint32(0, at - 4);
    this.#pending = [];
    this.#bytes = 0;
    return frame.subarray(0, at);
  }

  /** What closes a complete stream. */
  end(): Uint8Array {
    return new Uint8Array(4);
  }
}

/** Bytes in as they arrive, events out. `complete` once the closing frame was seen. */
export class RecordingStreamDecoder {
  #rest: Uint8Array = new Uint8Array(0);
  #started = false;
  #complete = false;

  get complete(): boolean {
    return this.#complete;
  }

  /** @throws Fault RECORDING_DAMAGED */
  push(bytes: Uint8Array): readonly TimedRecordingEvent[] {
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    const view = new DataView(joined.buffer);
    const events: TimedRecordingEvent[] = [];
    let at = 0;
    if (!this.#started && joined.length >= MAGIC.length) {
      if (MAGIC.some((byte, index) => joined[index] !== byte))
        throw new Fault('RECORDING_DAMAGED', 'the stream does not begin with its magic');
      this.#started = true;
      at = MAGIC.length;
    }
    while (this.#started && joined.length - at >= 4) {
      if (this.#complete) throw new Fault('RECORDING_DAMAGED', 'the stream goes on behind its end');
      const length = view.getUint32(at);
      if (length === 0) {
        this.#complete = true;
        at += 4;
        continue;
      }
      if (length < HEAD_BYTES || length > MAX_FRAME_BYTES)
        throw new Fault('RECORDING_DAMAGED', `a frame of ${length} bytes`);
      if (joined.length - at - 4 < length) break;
      const chunk = view.getUint32(at + 4);
      const firstUs = Number(view.getBigUint64(at + 8));
      const frame = joined.subarray(at + 4 + HEAD_BYTES, at + 4 + length);
      for (const { atUs, event } of decodeEvents(frame, firstUs)) events.push({ atUs, chunk, event });
      at += 4 + length;
    }
    this.#rest = joined.subarray(at);
    return events;
  }
}
