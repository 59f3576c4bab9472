import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DisplaySize } from '@enchilada/core/engine';
import { Fault, toFault } from '@enchilada/core/fault';
import {
  encodeEnvironment,
  encodeInput,
  encodeNegotiation,
  encodeTerminalType,
  encodeWindowSize,
  Negotiation,
  OPTION,
  readEnvironmentRequest,
  SEND,
  TelnetDecoder,
  type Negotiated,
} from './codec/index.ts';
import { brokenOff } from '../shared/index.ts';
import type { TelnetParameters } from './telnet-manifest.ts';

const INPUT_HIGH = 256 * 1024;
/** A machine that asks faster than it takes our answers has to wait for them. */
const ANSWERS_HIGH = 64 * 1024;
/** Nobody negotiates so much without saying a word in between. */
const MOST_NEGOTIATIONS = 4_096;
/** With the system's own intervals a peer that is gone is noticed in half a minute. */
const KEEPALIVE_MS = 15_000;

const LOCAL = new Set<number>([OPTION.BINARY, OPTION.SGA, OPTION.TTYPE, OPTION.NAWS, OPTION.NEW_ENVIRON]);
const REMOTE = new Set<number>([OPTION.BINARY, OPTION.ECHO, OPTION.SGA]);

export interface LinkEvents {
  /** What the machine wrote; handed over. */
  readonly data: (bytes: Uint8Array) => void;
  /** Once: the connection is over, with the fault unless the machine closed it in order. */
  readonly closed: (fault: Fault | undefined) => void;
}

/** A connection that negotiates by itself: it never speaks first, so that a service of another kind is sent nothing (T21). */
export class TelnetLink {
  readonly #socket: Duplex;
  readonly #decoder = new TelnetDecoder();
  readonly #negotiation = new Negotiation({ local: LOCAL, remote: REMOTE });
  readonly #parameters: TelnetParameters;
  readonly #events: LinkEvents;
  #display: DisplaySize;
  #spoken = false;
  #paused = false;
  #choked = false;
  #inputWaits = false;
  #negotiations = 0;
  #over = false;
  #onDrained: (() => void) | undefined;

  constructor(
    socket: Duplex,
    settings: { readonly parameters: TelnetParameters; readonly display: DisplaySize },
    events: LinkEvents,
  ) {
    this.#socket = socket;
    this.#parameters = settings.parameters;
    this.#display = settings.display;
    this.#events = events;
    if (socket instanceof Socket) socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on('data', (bytes: Uint8Array) => this.#received(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#close(faultOf(error)));
    socket.on('close', () => this.#close(undefined));
  }

  /** Whether the machine has said anything yet. */
  get spoken(): boolean {
    return this.#spoken;
  }

  /** Whether the machine shows what is typed; if not, that is ours to do (RFC 857). */
  get remoteEchoes(): boolean {
    return this.#negotiation.isOn('remote', OPTION.ECHO);
  }

  get options(): string {
    const named = Object.entries(OPTION).filter(
      ([, option]) => this.#negotiation.isOn('local', option) || this.#negotiation.isOn('remote', option),
    );
    return named.map(([name]) => name.replace('_', '-')).join(' ');
  }

  /** Answers false when the machine is slow; `onDrained` tells when more may be sent. */
  send(bytes: Uint8Array): boolean {
    if (this.#over || !this.#socket.writable) return true;
    const binary = this.#negotiation.isOn('local', OPTION.BINARY);
    this.#socket.write(encodeInput(bytes, binary ? 'nothing' : this.#parameters.enterKey));
    this.#inputWaits = this.#socket.writableLength > INPUT_HIGH;
    return !this.#inputWaits;
  }

  /** A whole line, ended as the Enter key ends it. */
  sendLine(text: string): void {
    this.send(Buffer.from(`${text}\r`));
  }

  onDrained(drained: () => void): void {
    this.#onDrained = drained;
  }

  resize(display: DisplaySize): void {
    this.#display = display;
    if (this.#negotiation.isOn('local', OPTION.NAWS)) this.#write(this.#windowSize());
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#choked) this.#socket.resume();
  }

  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #received(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#spoken = true;
    try {
      for (const event of this.#decoder.push(bytes)) {
        switch (event.kind) {
          case 'data':
            this.#negotiations = 0;
            this.#events.data(event.bytes);
            break;
          case 'negotiation':
            this.#negotiated(this.#negotiation.receive(event.verb, event.option));
            break;
          case 'subnegotiation':
            this.#answer(event.option, event.bytes);
            break;
          case 'command':
            break;
        }
        if (this.#over) return;
      }
    } catch (error) {
      this.#close(toFault(error));
    }
  }

  #negotiated({ reply, changed }: Negotiated): void {
    this.#count();
    if (reply !== undefined) this.#write(encodeNegotiation(reply));
    if (changed === undefined) return;
    const { side, option, on } = changed;
    if (side === 'remote' && option === OPTION.BINARY) this.#decoder.binary = on;
    if (side === 'local' && option === OPTION.NAWS && on) this.#write(this.#windowSize());
    // A machine that negotiates may cut what we send to seven bits until we say that it is binary (inetutils 2.4 does).
    if (side === 'local' && option === OPTION.TTYPE && on) {
      const ask = this.#negotiation.ask('local', OPTION.BINARY);
      if (ask !== undefined) this.#write(encodeNegotiation(ask));
    }
  }

  #answer(option: number, bytes: Uint8Array): void {
    this.#count();
    if (!this.#negotiation.isOn('local', option)) return;
    if (option === OPTION.TTYPE && bytes[0] === SEND) this.#write(encodeTerminalType(this.#parameters.terminalType));
    const wanted = option === OPTION.NEW_ENVIRON ? readEnvironmentRequest(bytes) : undefined;
    if (wanted !== undefined) this.#write(encodeEnvironment(wanted, this.#parameters.environment));
  }

  #count(): void {
    this.#negotiations += 1;
    if (this.#negotiations > MOST_NEGOTIATIONS)
      throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target negotiates without end');
  }

  #windowSize(): Uint8Array {
    return encodeWindowSize(this.#display.columns, this.#display.rows);
  }

  #write(bytes: Uint8Array): void {
    if (this.#over || !this.#socket.writable) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength <= ANSWERS_HIGH || this.#choked) return;
    this.#choked = true;
    this.#socket.pause();
  }

  #drained(): void {
    if (this.#choked) {
      this.#choked = false;
      if (!this.#paused) this.#socket.resume();
    }
    if (!this.#inputWaits) return;
    this.#inputWaits = false;
    this.#onDrained?.();
  }

  #close(fault: Fault | undefined): void {
    if (this.#over) return;
    this.destroy();
    this.#events.closed(fault);
  }
}

function faultOf(error: NodeJS.ErrnoException): Fault {
  if (error.code === 'ETIMEDOUT')
    return new Fault('TARGET_KEEPALIVE_LOST', 'the target stopped answering', { cause: error });
  return brokenOff(error);
}
