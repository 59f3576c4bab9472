import type { EngineStream, Seat, SessionEnd } from '@enchilada/core/engine';
import { Fault, toFault } from '@enchilada/core/fault';
import { clipboardAt, clipboardFilesAt, ClipboardNote, controlsAt, DenialNote } from '../shared/index.ts';
import { clientInfo } from './codec/client-info.ts';
import { invalid, joinBytes, violation } from './codec/bytes.ts';
import { ClipboardChannel, isAnyPermitted, type ClipboardPolicy } from './codec/clipboard.ts';
import { DOMAIN, sendData } from './codec/mcs.ts';
import { Pointer } from './codec/pointer.ts';
import type { InputEvent } from './codec/fast-path.ts';
import { parseCleanPathRequest } from './codec/rdcleanpath.ts';
import { CHANNEL } from './codec/rdp-state.ts';
import { connectInitial, scaleOf, type ViewerWishes } from './codec/settings.ts';
import { deactivateAll } from './codec/share.ts';
import { ViewerMessages } from './codec/viewer-messages.ts';
import { requestedProtocols, takesCharacters } from './codec/x224.ts';
import { fileNote } from './file-note.ts';
import type { HeldMachine } from './held-machine.ts';
import type { KeyFrameMark } from './key-frames.ts';
import { keyboardLayout } from './keyboard-layouts.ts';
import type { RdpParameters } from './rdp-manifest.ts';
import { accountOf } from './security/account.ts';

const MOST_REQUEST_BYTES = 16 * 1024;

/** Where a viewer's decoder is. */
type Stage =
  /** Its RDCleanPath request is not whole. */
  | { readonly is: 'greeting' }
  /** It has asked, and no connection is its to drive or to read yet. */
  | { readonly is: 'waiting' }
  | { readonly is: 'driving'; readonly messages: ViewerMessages; readonly clipboard: ClipboardChannel }
  | { readonly is: 'reading' }
  /** Its connection was replaced: it goes on where the next one activates. */
  | { readonly is: 'changing'; readonly from: HeldMachine };

/** One viewer: its decoder drives the connection, or reads along with the one that does. */
export class DesktopStream implements EngineStream {
  readonly ended: Promise<SessionEnd>;
  readonly #seat: Seat;
  readonly #parameters: RdpParameters;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  #machine: HeldMachine;
  #stage: Stage = { is: 'greeting' };
  #greeting: Uint8Array = new Uint8Array(0);
  #requestedProtocols = 0;
  #chosenLayout: string | undefined;
  #scale: Uint8Array | undefined;
  readonly #pointer = new Pointer();
  #position = 0;
  #isPaused = false;
  #isOver = false;
  #resumeInput: () => void = () => undefined;
  /** What was pushed last ended a file on its way to the machine. */
  #hasSentFile = false;
  #waiting: Promise<void> | undefined;

  constructor(machine: HeldMachine, seat: Seat, parameters: RdpParameters) {
    this.ended = this.#ended.promise;
    this.#seat = seat;
    this.#parameters = parameters;
    this.#machine = machine;
    machine.listen(this);
  }

  get mode(): 'control' | 'watch' {
    return this.#seat.mode;
  }

  get readsFrom(): number | undefined {
    return this.#stage.is === 'reading' ? this.#position : undefined;
  }

  input(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    try {
      if (this.#stage.is === 'greeting') return this.#greeted(bytes);
      // A decoder that reads along answers a target that is not there.
      if (this.#stage.is !== 'driving') return true;
      const onwards = this.#stage.messages.push(bytes);
      return onwards.length === 0 || this.#write(joinBytes(...onwards));
    } catch (failure) {
      this.#finish({ reason: 'failed', fault: toFault(failure) });
      return true;
    }
  }

  onInputDrained(resume: () => void): void {
    this.#resumeInput = resume;
  }

  pause(): void {
    this.#isPaused = true;
    this.#machine.pause(this);
  }

  resume(): void {
    this.#isPaused = false;
    this.#machine.resume(this);
    if (this.#stage.is === 'reading') this.#readOn();
  }

  /** One message of the machine; the log holds it up to this position. */
  message(bytes: Uint8Array, to: number): void {
    switch (this.#stage.is) {
      case 'greeting':
      case 'waiting':
        return;
      case 'driving':
        this.#position = to;
        this.#seat.sink.output(bytes);
        return;
      case 'reading':
        this.#readOn();
        if (this.#machine.log.failure !== undefined) this.#hear(bytes, to);
        return;
      case 'changing':
        this.#change(this.#stage.from);
        return;
    }
  }

  aside(bytes: Uint8Array): void {
    if (this.#stage.is === 'driving') this.#seat.aside(bytes);
  }

  drained(): void {
    if (this.#stage.is === 'driving') this.#resumeInput();
  }

  marked(mark: KeyFrameMark): void {
    if (this.#stage.is === 'driving') this.#seat.noted(mark);
  }

  /** Another viewer of the machine has left. */
  vacated(): void {
    if (this.#stage.is === 'waiting') this.#begin();
  }

  over(end: SessionEnd): void {
    this.#finish(end);
  }

  /** The machine has a new connection, and the former one is about to end. */
  follow(next: HeldMachine): void {
    if (this.#isOver) return;
    const before = this.#machine;
    before.release(this);
    this.#machine = next;
    next.listen(this);
    if (this.#stage.is === 'greeting') return;
    if (this.#stage.is === 'waiting' || this.#position === 0) {
      this.#begin();
      return;
    }
    if (before.handshakeEnd === undefined || this.#position < before.handshakeEnd)
      this.#finish({
        reason: 'failed',
        fault: new Fault('TARGET_DISCONNECTED', 'the desktop was opened anew before its first picture was here'),
      });
    else this.#stage = { is: 'changing', from: before };
  }

  /** The connection stays, unseen, as what holds the session. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'closed-by-user' });
    return Promise.resolve();
  }

  /** INVARIANT: the last piece of a file reaches the machine once the file is written down; what comes behind it waits with it. */
  #write(bytes: Uint8Array): boolean {
    if (!this.#hasSentFile && this.#waiting === undefined) return this.#machine.write(bytes);
    this.#hasSentFile = false;
    const before = this.#waiting ?? Promise.resolve();
    const waiting = before
      .then(() => this.#seat.written())
      .then(
        () => {
          if (!this.#isOver) this.#machine.write(bytes);
        },
        (failure: unknown) => {
          this.#finish({ reason: 'failed', fault: toFault(failure) });
        },
      )
      .then(() => {
        if (this.#waiting !== waiting) return;
        this.#waiting = undefined;
        this.#resumeInput();
      });
    this.#waiting = waiting;
    return false;
  }

  #greeted(bytes: Uint8Array): boolean {
    this.#greeting = joinBytes(this.#greeting, bytes);
    const parsed = parseCleanPathRequest(this.#greeting);
    if (parsed === null || (parsed === undefined && this.#greeting.length > MOST_REQUEST_BYTES))
      throw invalid('its first message is no RDCleanPath request');
    if (parsed === undefined) return true;
    const rest = this.#greeting.subarray(parsed.end);
    this.#greeting = rest.slice(0, 0);
    this.#requestedProtocols = requestedProtocols(parsed.request.x224);
    const choices = new URLSearchParams(parsed.request.choices);
    this.#chosenLayout = choices.get('keyboard') ?? undefined;
    this.#scale = scaleOf(choices.get('scale'));
    this.#begin();
    return rest.length === 0 || this.input(rest);
  }

  /** Drives the connection where nobody does, and where nobody in control is about to. */
  #begin(): void {
    this.#stage = { is: 'waiting' };
    const machine = this.#machine;
    if (machine.isUsed) {
      if (machine.log.failure !== undefined) {
        this.#finish({ reason: 'failed', fault: machine.log.failure });
        return;
      }
      this.#stage = { is: 'reading' };
      this.#position = 0;
      this.#readOn();
      return;
    }
    if (machine.isOver || (this.mode === 'watch' && machine.hasController)) return;
    const control = controlsAt(this.#seat, this.#parameters);
    const policy: ClipboardPolicy = {
      text: clipboardAt(this.#seat, this.#parameters),
      files: clipboardFilesAt(this.#seat, this.#parameters),
    };
    const clipboard = this.#clipboard(policy);
    machine.state.requestedProtocols = this.#requestedProtocols;
    const drive = machine.drive(this, {
      clipboard,
      resizes: control && this.#parameters.resizeDesktop,
    });
    const messages = new ViewerMessages(
      machine.state,
      { control, clipboard, dynamic: drive.dynamic },
      {
        begin: (wishes) => this.#connectInitial(machine, wishes, isAnyPermitted(policy)),
        signOn: () => this.#signOn(machine),
        answer: (message) => {
          machine.say(message);
        },
        did: (events) => {
          this.#did(events);
        },
        aside: (bytes) => {
          this.#seat.aside(bytes);
        },
      },
    );
    this.#stage = { is: 'driving', messages, clipboard };
    drive.start();
  }

  #connectInitial(machine: HeldMachine, wishes: ViewerWishes, clipboard: boolean): Uint8Array {
    const { resizeDesktop, colourDepth, clientName, console } = this.#parameters;
    const permitted = new Set<string>([
      ...(clipboard ? [CHANNEL.clipboard] : []),
      ...(resizeDesktop ? [CHANNEL.dynamic] : []),
    ]);
    machine.state.channels = wishes.channels.map((name) => ({ name, isAnnounced: permitted.has(name), id: 0 }));
    const layout = keyboardLayout(this.#parameters.keyboardLayout, this.#chosenLayout, wishes.keyboardLayout);
    machine.state.keyboard = { layout, takesCharacters: takesCharacters(machine.machine.negotiated) };
    return connectInitial({
      ...wishes,
      scale: this.#scale ?? wishes.scale,
      channels: wishes.channels.filter((name) => permitted.has(name)),
      keyboardLayout: layout,
      colourDepth,
      clientName,
      console,
      selectedProtocol: machine.machine.negotiated.protocol,
    });
  }

  #did(events: readonly InputEvent[]): void {
    this.#seat.noted({ type: 'active' });
    for (const event of events) {
      if (event.type === 'key') this.#seat.noted(event);
      if (event.type === 'mouse') this.#seat.noted({ type: 'pointer', ...this.#pointer.take(event) });
    }
  }

  #signOn({ machine }: HeldMachine): Uint8Array {
    const { initialProgram, workingDirectory, performanceFlags } = this.#parameters;
    const { username, password } = machine.credential;
    return clientInfo({
      ...accountOf(username),
      password: password.reveal(),
      shell: initialProgram,
      workingDirectory,
      performanceFlags,
    });
  }

  #clipboard(policy: ClipboardPolicy): ClipboardChannel {
    const notes = {
      upload: new ClipboardNote(this.#seat, 'upload'),
      download: new ClipboardNote(this.#seat, 'download'),
    };
    for (const note of Object.values(notes)) note.begin();
    const denials = new DenialNote(this.#seat);
    const files = fileNote(this.#seat);
    return new ClipboardChannel(policy, {
      content: (direction, piece, isLast) => {
        const note = notes[direction];
        note.add(piece);
        if (!isLast) return;
        note.done();
        note.begin();
      },
      files: {
        ...files,
        ended: (file, end) => {
          files.ended(file, end);
          this.#hasSentFile ||= file.direction === 'upload';
        },
      },
      denied: (direction, what) => {
        denials.denied(what === 'files' ? 'file-denied' : 'clipboard-denied', direction);
      },
      broken: { upload: invalid, download: violation },
    });
  }

  /** Of what the log does not hold a decoder misses nothing while it keeps up. */
  #hear(bytes: Uint8Array, to: number): void {
    const { failure } = this.#machine.log;
    if (this.#isOver || failure === undefined) return;
    if (this.#position === to && !this.#isPaused) this.#seat.sink.output(bytes);
    else this.#finish({ reason: 'failed', fault: failure });
  }

  /** Gives what the log holds beyond what this decoder has seen. */
  #readOn(): void {
    const { log, handshakeEnd, lastActivation } = this.#machine;
    while (!this.#isPaused && !this.#isOver && this.#stage.is === 'reading') {
      // What was drawn before the desktop got its present size is of no use.
      if (this.#position === handshakeEnd && lastActivation > this.#position) {
        this.#position = lastActivation;
        for (const message of this.#machine.dynamicMessages) this.#seat.sink.output(message.slice());
      }
      this.#position = this.#machine.shortcutAt(this.#position) ?? this.#position;
      const found = log.read(this.#position);
      if (found === undefined) return;
      this.#position = found.next;
      this.#seat.sink.output(found.message);
    }
  }

  /** To the decoder the other connection is the same one, activated anew. [MS-RDPBCGR] 1.3.1.3 */
  #change(before: HeldMachine): void {
    const next = this.#machine;
    if (next.activation === undefined) return;
    const { io, user, share } = before.state;
    if (!next.isLike(before)) {
      const fault = new Fault('TARGET_DISCONNECTED', 'the desktop was opened anew with other channels');
      this.#finish({ reason: 'failed', fault });
      return;
    }
    for (const message of before.messagesBefore(next)) this.#seat.sink.output(message);
    const data = deactivateAll(share.shareId, share.source);
    this.#seat.sink.output(sendData({ choice: DOMAIN.sendDataIndication, initiator: user, channel: io, data }));
    this.#position = next.activation;
    this.#stage = { is: 'reading' };
    this.#readOn();
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#stage.is === 'driving') this.#stage.clipboard.close();
    this.#machine.release(this);
    this.#ended.resolve(end);
  }
}
