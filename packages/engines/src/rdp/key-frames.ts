import type { SeatEvent } from '@enchilada/core/engine';
import type { Clock } from '@enchilada/core/time';
import { Undrawn, type Drawing } from './codec/drawings.ts';
import { DOMAIN, sendData } from './codec/mcs.ts';
import type { RdpState } from './codec/rdp-state.ts';
import { refreshRect } from './codec/share.ts';
import type { StreamLog } from './stream-log.ts';

export type KeyFrameMark = Extract<SeatEvent, { readonly type: 'preamble' | 'key-frame' }>;

/** When a machine is asked for all of its picture. What a decoder has to do from one key frame to the next is bounded by bytes, not by time. */
export interface KeyFrameRhythm {
  /** Bytes of pictures since the last, and how many times the last one itself: what key frames may add to a stream. */
  readonly everyBytes: number;
  readonly everyTimesItself: number;
  readonly everyMs: number;
  /** How long an answer may take. */
  readonly answerMs: number;
}

export const KEY_FRAME_RHYTHM: KeyFrameRhythm = {
  everyBytes: 384 * 1024,
  everyTimesItself: 4,
  everyMs: 5_000,
  answerMs: 10_000,
};

/** A machine that answered so often in vain is asked no more, until its desktop is there anew. */
const MOST_FAILURES = 3;
/** A desktop whose first picture is larger has no key frames. */
const MOST_PREAMBLE_BYTES = 1024 * 1024;

export interface KeyFrameParts {
  readonly clock: Clock;
  readonly rhythm: KeyFrameRhythm;
  readonly state: RdpState;
  readonly log: StreamLog;
  readonly dynamicMessages: readonly Uint8Array[];
  /** To the target. */
  readonly write: (bytes: Uint8Array) => void;
  readonly mark: (mark: KeyFrameMark) => void;
}

/** Positions in the log: a decoder that has heard it up to `after` and no further may go on at `to`. */
export interface Shortcut {
  readonly after: number;
  readonly to: number;
}

/**
 * Marks places in the stream at which a fresh decoder can begin: the target is asked for all of its picture, and what it draws from then on is
 * followed until nothing of the desktop is left out.
 * INVARIANT: a key frame is called whole only when each pixel was drawn since it began. A target that does not obey has none.
 */
export class KeyFrames {
  readonly #parts: KeyFrameParts;
  #activations = 0;
  #handshakeEnd = 0;
  #activation = 0;
  /** Where in the log that ends which a decoder must have heard: the Font Map, or the first picture in RemoteFX. */
  #preambleEnd: number | undefined;
  #isPreambleDue = false;
  #isPreambleGiven = false;
  #undrawn: Undrawn | undefined;
  #begun: Shortcut = { after: 0, to: 0 };
  #shortcut: Shortcut | undefined;
  #drawnBytes = 0;
  #begunAt = 0;
  #lastBytes = 0;
  #askedMs = 0;
  #isAsked = false;
  #failures = 0;
  /** To FreeRDP 2, right and bottom of what is asked for lie outside. */
  #leavesOutEdge = false;

  constructor(parts: KeyFrameParts) {
    this.#parts = parts;
    this.#askedMs = parts.clock.monotonicMs();
  }

  /** Past what the last whole key frame made superfluous. */
  get shortcut(): Shortcut | undefined {
    return this.#shortcut;
  }

  /** A decoder begins anew with what the log will hold next. */
  activating(): void {
    this.#shortcut = undefined;
    this.#activation = this.#parts.log.end;
    this.#preambleEnd = undefined;
    this.#isPreambleGiven = false;
    this.#isPreambleDue = false;
    this.#undrawn = undefined;
    this.#isAsked = false;
    this.#failures = 0;
  }

  activated(): void {
    if (this.#activations === 0) this.#handshakeEnd = this.#parts.log.end;
    this.#activations += 1;
    this.#preambleEnd = this.#parts.log.end;
    // A desktop that is activated anew is drawn anew.
    if (this.#activations > 1) this.#begin();
  }

  drawn(drawings: readonly Drawing[], bytes: number): void {
    this.#drawnBytes += bytes;
    for (const { areas, isCodecStart } of drawings) {
      if (isCodecStart) this.#isPreambleDue = true;
      if (this.#undrawn !== undefined) for (const area of areas) this.#undrawn.draw(area);
    }
  }

  /** Nothing waits in front of the log, and no update is cut. */
  settle(): void {
    if (this.#activations === 0) return;
    if (this.#isPreambleDue) {
      this.#isPreambleDue = false;
      this.#isPreambleGiven = false;
      this.#preambleEnd = this.#parts.log.end;
    }
    if (this.#undrawn?.isNothing === true) {
      this.#undrawn = undefined;
      this.#isAsked = false;
      this.#failures = 0;
      this.#lastBytes = this.#drawnBytes - this.#begunAt;
      this.#shortcut = this.#begun;
      this.#parts.mark({ type: 'key-frame', phase: 'whole' });
    }
    if (this.#isDue()) this.#ask();
  }

  #isDue(): boolean {
    const { clock, rhythm } = this.#parts;
    const since = clock.monotonicMs() - this.#askedMs;
    if (this.#isAsked) {
      if (since < rhythm.answerMs) return false;
      this.#isAsked = false;
      if (!this.#leavesOutEdge && this.#isEdgeLeft) {
        this.#leavesOutEdge = true;
        return true;
      }
      this.#failures += 1;
    }
    if (this.#failures >= MOST_FAILURES || since < rhythm.everyMs) return false;
    const least = Math.max(rhythm.everyBytes, rhythm.everyTimesItself * this.#lastBytes);
    return this.#drawnBytes - this.#begunAt >= least;
  }

  get #isEdgeLeft(): boolean {
    const { size } = this.#parts.state;
    return size !== undefined && this.#undrawn?.isEdgeOf(size) === true;
  }

  #ask(): void {
    const { clock, state, write } = this.#parts;
    if (state.size === undefined || !this.#begin()) return;
    this.#askedMs = clock.monotonicMs();
    this.#isAsked = true;
    const last = this.#leavesOutEdge ? 0 : 1;
    const data = refreshRect(state.share, state.size.width - last, state.size.height - last);
    write(sendData({ choice: DOMAIN.sendDataRequest, initiator: state.user, channel: state.io, data }));
  }

  #begin(): boolean {
    const { state, mark } = this.#parts;
    if (state.size === undefined) return false;
    if (!this.#isPreambleGiven) {
      const messages = this.#preamble();
      if (messages === undefined) {
        this.#failures = MOST_FAILURES;
        return false;
      }
      this.#isPreambleGiven = true;
      mark({ type: 'preamble', messages });
    }
    mark({ type: 'key-frame', phase: 'begins' });
    this.#undrawn = new Undrawn(state.size);
    this.#begun = { after: this.#preambleEnd ?? this.#handshakeEnd, to: this.#parts.log.end };
    this.#begunAt = this.#drawnBytes;
    return true;
  }

  /** The handshake, and from the last activation on; what was drawn between them is of no use. */
  #preamble(): readonly Uint8Array[] | undefined {
    const { dynamicMessages } = this.#parts;
    const end = this.#preambleEnd ?? this.#handshakeEnd;
    const parts =
      this.#activations === 1
        ? [this.#logged(0, end)]
        : [this.#logged(0, this.#handshakeEnd), dynamicMessages, this.#logged(this.#activation, end)];
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  }

  #logged(from: number, end: number): readonly Uint8Array[] | undefined {
    const { log } = this.#parts;
    const messages: Uint8Array[] = [];
    if (end - from > MOST_PREAMBLE_BYTES || log.failure !== undefined) return undefined;
    for (let at = from; at < end;) {
      const found = log.read(at);
      if (found === undefined) return undefined;
      messages.push(found.message);
      at = found.next;
    }
    return messages;
  }
}
