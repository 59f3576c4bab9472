import { Fault } from '@enchilada/core/fault';
import { CR, IAC, NUL, SB, SE, isVerb, type Verb } from './protocol.ts';

/** Longer than any answer that an option we speak can need; what a peer sends beyond is an attempt on our memory. */
const MAX_SUBNEGOTIATION_BYTES = 4_096;

export type TelnetEvent =
  | { readonly kind: 'command'; readonly command: number }
  | { readonly kind: 'negotiation'; readonly verb: Verb; readonly option: number }
  | { readonly kind: 'subnegotiation'; readonly option: number; readonly bytes: Uint8Array }
  /** What the machine wrote, at most one for each piece received. It comes after the commands of that piece. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array };

type State = 'data' | 'iac' | 'option' | 'sub-option' | 'sub' | 'sub-iac';

/** The receiving half of a connection: [RFC 854](https://www.rfc-editor.org/rfc/rfc854), [RFC 855](https://www.rfc-editor.org/rfc/rfc855). */
export class TelnetDecoder {
  /** Whether the peer sends BINARY ([RFC 856](https://www.rfc-editor.org/rfc/rfc856)): then NUL behind CR is data. May change between two events. */
  binary = false;
  #state: State = 'data';
  #verb: Verb = 'DO';
  #afterCr = false;
  #option = 0;
  #sub: number[] = [];

  /** Reads one piece of the stream, however it was cut. @throws Fault TARGET_PROTOCOL_VIOLATION */
  *push(bytes: Uint8Array): Generator<TelnetEvent> {
    if (this.#isPlain(bytes)) {
      this.#afterCr = bytes[bytes.length - 1] === CR;
      if (bytes.length > 0) yield { kind: 'data', bytes };
      return;
    }
    const data = new Uint8Array(bytes.length);
    let used = 0;
    let command = -1;
    let nul = -1;
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#state === 'data') {
        if (command < at) command = placeOf(IAC, bytes, at);
        if (nul < at) nul = placeOf(NUL, bytes, at);
        const end = Math.min(command, nul);
        data.set(bytes.subarray(at, end), used);
        used += end - at;
        if (end > at) this.#afterCr = bytes[end - 1] === CR;
        at = end;
        if (at === bytes.length) break;
      }
      const byte = bytes[at] ?? 0;
      if (this.#state === 'data') {
        if (byte === IAC) this.#state = 'iac';
        else {
          if (!this.#afterCr || this.binary) data[used++] = byte;
          this.#afterCr = false;
        }
      } else if (this.#state === 'iac' && byte === IAC) {
        data[used++] = byte;
        this.#state = 'data';
        this.#afterCr = false;
      } else {
        const event = this.#control(byte);
        if (event !== undefined) yield event;
      }
    }
    if (used > 0) yield { kind: 'data', bytes: data.subarray(0, used) };
  }

  #isPlain(bytes: Uint8Array): boolean {
    return this.#state === 'data' && !bytes.includes(IAC) && (this.binary || !bytes.includes(NUL));
  }

  #control(byte: number): TelnetEvent | undefined {
    switch (this.#state) {
      case 'data':
      case 'iac':
        return this.#command(byte);
      case 'option':
        this.#state = 'data';
        return { kind: 'negotiation', verb: this.#verb, option: byte };
      case 'sub-option':
        this.#option = byte;
        this.#sub = [];
        this.#state = 'sub';
        return undefined;
      case 'sub':
        if (byte === IAC) this.#state = 'sub-iac';
        else this.#collect(byte);
        return undefined;
      case 'sub-iac': {
        if (byte === IAC) {
          this.#collect(byte);
          this.#state = 'sub';
          return undefined;
        }
        const bytes = Uint8Array.from(this.#sub);
        this.#sub = [];
        this.#state = 'data';
        // Some peers leave out the end; the command that stands in its place is obeyed.
        if (byte !== SE) return this.#command(byte);
        return { kind: 'subnegotiation', option: this.#option, bytes };
      }
    }
  }

  #command(byte: number): TelnetEvent | undefined {
    const verb = isVerb(byte);
    if (verb !== undefined) {
      this.#verb = verb;
      this.#state = 'option';
      return undefined;
    }
    if (byte === SB) {
      this.#state = 'sub-option';
      return undefined;
    }
    this.#state = 'data';
    return { kind: 'command', command: byte };
  }

  #collect(byte: number): void {
    if (this.#sub.length >= MAX_SUBNEGOTIATION_BYTES)
      throw new Fault(
        'TARGET_PROTOCOL_VIOLATION',
        `the target sent more than ${MAX_SUBNEGOTIATION_BYTES} bytes about option ${this.#option}`,
      );
    this.#sub.push(byte);
  }
}

function placeOf(byte: number, bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at === -1 ? bytes.length : at;
}
