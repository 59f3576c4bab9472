import type { Duplex } from 'node:stream';
import type { SessionEnd } from '@enchilada/core/engine';
import { Fault, toFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { brokenOff } from '../shared/index.ts';
import { startingState, type RdpState } from './codec/rdp-state.ts';
import { DOMAIN, sendData } from './codec/mcs.ts';
import type { ClipboardChannel } from './codec/clipboard.ts';
import { displayControlFor } from './codec/display-control.ts';
import { DISPLAY_CONTROL, DynamicChannels } from './codec/dynamic-channels.ts';
import type { ErrorInfo } from './codec/error-info.ts';
import { cleanPathResponse } from './codec/rdcleanpath.ts';
import { frameAcknowledge } from './codec/share.ts';
import { MOST_MESSAGE_BYTES, TargetMessages } from './codec/target-messages.ts';
import { PROTOCOL, connectionConfirm } from './codec/x224.ts';
import { KeyFrames, type KeyFrameMark, type KeyFrameRhythm } from './key-frames.ts';
import type { Machine } from './machine.ts';
import { StreamLog, type StreamLogLimits } from './stream-log.ts';

/** Control of dynamic channels is a few messages; more than this is no machine that wants to be watched. */
const MOST_DYNAMIC = 64;

export interface MachineListener {
  readonly mode: 'control' | 'watch';
  /** From where it has still to read the log; undefined where it does not. */
  readonly readsFrom: number | undefined;
  /** One message; the log holds it up to this position. */
  message(bytes: Uint8Array, to: number): void;
  /** For the one that drives alone; in no log. */
  aside(bytes: Uint8Array): void;
  drained(): void;
  /** Belongs between what was said before and what comes. */
  marked(mark: KeyFrameMark): void;
  /** Another listener has left. */
  vacated(): void;
  over(end: SessionEnd): void;
}

export interface Drive {
  readonly dynamic: DynamicChannels;
  /** The decoder's stream begins. */
  start(): void;
}

/** What the decoder that drives a connection may do. */
export interface DrivePolicy {
  readonly clipboard: ClipboardChannel;
  readonly resizes: boolean;
}

export interface HeldMachineParts {
  readonly host: string;
  readonly clock: Clock;
  readonly keyFrames: KeyFrameRhythm;
  readonly streamLog: StreamLogLimits;
}

/** A connection to a machine. One viewer's decoder drives it; those of others read along, from the log. */
export class HeldMachine implements AsyncDisposable {
  readonly machine: Machine;
  readonly state: RdpState = startingState();
  readonly log: StreamLog;
  readonly ended: Promise<SessionEnd>;
  readonly #parts: HeldMachineParts;
  readonly #stream: Duplex;
  readonly #listeners = new Set<MachineListener>();
  readonly #ended = Promise.withResolvers<SessionEnd>();
  #messages: TargetMessages | undefined;
  #channels: DynamicChannels | undefined;
  #keyFrames: KeyFrames | undefined;
  #driver: MachineListener | undefined;
  #activation: number | undefined;
  #handshakeEnd: number | undefined;
  #lastActivation = 0;
  readonly #dynamic: Uint8Array[] = [];
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #isOver = false;
  #broken: Error | undefined;
  #error: ErrorInfo | undefined;

  constructor(machine: Machine, parts: HeldMachineParts) {
    this.machine = machine;
    this.#parts = parts;
    this.log = new StreamLog(parts.streamLog);
    this.#stream = machine.stream;
    this.ended = this.#ended.promise;
    this.#stream.on('data', (bytes: Buffer) => {
      this.#gather(bytes);
    });
    this.#stream.on('drain', () => {
      for (const listener of this.#listeners) listener.drained();
    });
    this.#stream.on('error', (error) => {
      this.#broken = error;
    });
    this.#stream.on('end', () => {
      this.#heard();
      this.#over();
    });
    this.#stream.on('close', () => {
      this.#heard();
      this.#over();
    });
  }

  /** True once a decoder has begun on it: no other can. */
  get isUsed(): boolean {
    return this.#messages !== undefined;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Where in the log the first Demand Active lies: from there on a decoder of another connection can go on. */
  get activation(): number | undefined {
    return this.#activation;
  }

  listen(listener: MachineListener): void {
    this.#listeners.add(listener);
    if (this.#isOver)
      void this.ended.then((end) => {
        listener.over(end);
      });
  }

  release(listener: MachineListener): void {
    this.#listeners.delete(listener);
    if (this.#driver === listener) {
      this.#driver = undefined;
      this.#stream.resume();
    }
    for (const other of [...this.#listeners]) other.vacated();
  }

  /** INVARIANT: called once, by the first decoder. */
  drive(listener: MachineListener, policy: DrivePolicy): Drive {
    const dynamic = new DynamicChannels(new Set(policy.resizes ? [DISPLAY_CONTROL] : []));
    this.#channels = dynamic;
    this.#driver = listener;
    const { clock, keyFrames: rhythm } = this.#parts;
    const keyFrames = new KeyFrames({
      ...{ clock, rhythm, state: this.state, log: this.log, dynamicMessages: this.#dynamic },
      write: (bytes) => {
        this.write(bytes);
      },
      mark: (mark) => {
        this.#driver?.marked(mark);
        if (mark.type === 'key-frame' && mark.phase === 'whole') this.#drop();
      },
    });
    this.#keyFrames = keyFrames;
    this.#messages = new TargetMessages(
      this.state,
      { clipboard: policy.clipboard, dynamic },
      {
        pass: (message) => {
          this.say(message);
        },
        passToDriver: (message) => {
          this.#driver?.aside(message);
        },
        dynamic: (message) => {
          // A copy: it is kept, and the message lies in all that came with it.
          if (this.#dynamic.length < MOST_DYNAMIC) this.#dynamic.push(Uint8Array.from(message));
        },
        answer: (bytes) => {
          this.write(bytes);
        },
        activating: () => {
          this.#lastActivation = this.log.end;
          this.#activation ??= this.log.end;
          keyFrames.activating();
          this.#drop();
          this.log.goOn();
        },
        activated: () => {
          this.#handshakeEnd ??= this.log.end;
          keyFrames.activated();
        },
        error: (info) => {
          this.#error = info;
        },
        framesEnded: (frames) => {
          if (this.#driver === undefined) this.#acknowledge(frames);
        },
        drawn: (drawings, bytes) => {
          keyFrames.drawn(drawings, bytes);
        },
      },
    );
    const { negotiated, certificates } = this.machine;
    // The gateway has proved name and password: for the decoder this is a server with TLS.
    const response = cleanPathResponse(
      this.#parts.host,
      connectionConfirm(negotiated.flags, PROTOCOL.ssl),
      certificates,
    );
    return {
      dynamic,
      start: () => {
        this.say(response);
      },
    };
  }

  /** Where in the log the first Font Map ends. */
  get handshakeEnd(): number | undefined {
    return this.#handshakeEnd;
  }

  /** What a decoder that leaves out everything between the handshake and the last activation must hear nevertheless: resizing rests on it. */
  get dynamicMessages(): readonly Uint8Array[] {
    return this.#dynamic;
  }

  /** What a decoder of this connection must hear before it goes on with another one. */
  messagesBefore({ state }: HeldMachine): readonly Uint8Array[] {
    return this.#channels === undefined || state.size === undefined
      ? []
      : displayControlFor(this.state, this.#channels, state.size);
  }

  /** Where a decoder that has seen the handshake may go on. */
  get lastActivation(): number {
    return this.#lastActivation;
  }

  /** Where in the log a decoder that has heard all before may go on. */
  shortcutAt(position: number): number | undefined {
    const shortcut = this.#keyFrames?.shortcut;
    return shortcut?.after === position ? shortcut.to : undefined;
  }

  /** What no decoder will have to hear any more. */
  #drop(): void {
    const needed = Math.min(...[...this.#listeners].map(({ readsFrom }) => readsFrom ?? Infinity));
    const shortcut = this.#keyFrames?.shortcut;
    if (this.#handshakeEnd !== undefined) this.log.drop(this.#handshakeEnd, Math.min(this.#lastActivation, needed));
    if (shortcut !== undefined) this.log.drop(shortcut.after, Math.min(shortcut.to, needed));
  }

  /** To the viewers. */
  say(message: Uint8Array): void {
    this.log.append(message);
    const { end } = this.log;
    for (const listener of this.#listeners) listener.message(message, end);
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || this.#stream.write(this.machine.protection.seal(bytes));
  }

  pause(listener: MachineListener): void {
    if (this.#driver === listener) this.#stream.pause();
  }

  resume(listener: MachineListener): void {
    if (this.#driver === listener) this.#stream.resume();
  }

  get hasController(): boolean {
    return [...this.#listeners].some(({ mode }) => mode === 'control');
  }

  /** Whether a decoder of the other connection can go on with this one: the same channels under the same numbers. */
  isLike({ state }: HeldMachine): boolean {
    const numbers = ({ io, channels }: RdpState): string =>
      [io, ...channels.map(({ name, id }) => `${name} ${id}`)].join();
    return numbers(state) === numbers(this.state);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'terminated' });
    return Promise.resolve();
  }

  /** A read of the socket is several TLS records (RFC 8446 section 5.1), and one turn of the event loop several reads: what they hold is heard at once. */
  #gather(bytes: Uint8Array): void {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= MOST_MESSAGE_BYTES) this.#heard();
    else if (this.#gathered.length === 1)
      setImmediate(() => {
        this.#heard();
      });
  }

  #heard(): void {
    const chunks = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#isOver || chunks.length === 0) return;
    try {
      if (this.#messages === undefined)
        throw new Fault(
          'TARGET_PROTOCOL_VIOLATION',
          'the target broke the RDP protocol: it speaks before it was asked',
        );
      this.#messages.push(...chunks.map((bytes) => this.machine.protection.open(bytes)));
      // Recordings are played from who was in control.
      if (this.#driver?.mode === 'control' && !this.#messages.isWithinUpdate) this.#keyFrames?.settle();
    } catch (failure) {
      this.#finish({ reason: 'failed', fault: toFault(failure) });
    }
  }

  /** The driver is gone, and the target sends but a few frames that nobody acknowledges. */
  #acknowledge(frames: readonly number[]): void {
    if (!this.state.acknowledgesFrames) return;
    const { share, user, io } = this.state;
    for (const frame of frames)
      this.write(
        sendData({
          choice: DOMAIN.sendDataRequest,
          initiator: user,
          channel: io,
          data: frameAcknowledge(share, frame),
        }),
      );
  }

  #over(): void {
    const broken = this.#broken;
    const told = this.#error;
    if (told !== undefined && !told.isChosen)
      this.#finish({
        reason: 'closed-by-target',
        fault: new Fault('TARGET_DISCONNECTED', `the target ended the session: ${told.words}`, {
          facts: { reason: told.words, code: told.code },
        }),
      });
    else if (told !== undefined || broken === undefined) this.#finish({ reason: 'closed-by-target' });
    else this.#finish({ reason: 'failed', fault: brokenOff(broken) });
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
    for (const listener of [...this.#listeners]) listener.over(end);
    this.log[Symbol.dispose]();
    this.#ended.resolve(end);
  }
}
