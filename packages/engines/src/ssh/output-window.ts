import type { EngineSink } from '@enchilada/core/engine';
import type { Client, ClientChannel } from 'ssh2';
import { channelInternals, internalsOf, SSH2_WINDOW } from './ssh2-internals.ts';

/** What a target may send ahead of us; held at most once over when paused. */
const WINDOW = 512 * 1024;
const BLOCK = 32 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  used: number;
}

/** Makes the client announce `WINDOW` instead of its own, larger one, for the next session channel it opens: the terminal's. */
export function announceWindow(client: Client): void {
  const protocol = internalsOf(client)._protocol;
  const { session } = protocol;
  protocol.session = (channel, _window, maxPacket) => {
    protocol.session = session;
    session.call(protocol, channel, WINDOW, maxPacket);
  };
}

/**
 * The channel's incoming bytes, straight from the decrypted packet to the sink: ssh2's stream would buffer up to 3 MiB when paused. Window is
 * granted (RFC 4254 section 5.2) as bytes are delivered, so that a paused session holds at most `WINDOW` and the target then waits.
 */
export class OutputWindow {
  readonly #client: Client;
  readonly #channel: ReturnType<typeof channelInternals>;
  readonly #sink: EngineSink;
  readonly #onViolation: () => void;
  #paused = false;
  #closed = false;
  #delivered = 0;
  #held: Block[] = [];
  #onEmpty: (() => void) | undefined;

  constructor(
    client: Client,
    channel: ClientChannel,
    ends: { readonly sink: EngineSink; readonly onViolation: () => void },
  ) {
    this.#client = client;
    this.#channel = channelInternals(channel);
    this.#sink = ends.sink;
    this.#onViolation = ends.onViolation;
    // ssh2 drops data silently once its count is exactly 0; half a byte keeps it off 0, so that what goes beyond the window shows as negative.
    this.#channel.incoming.window -= SSH2_WINDOW - WINDOW - 0.5;
    const early = [channel.read() as Buffer | null, channel.stderr.read() as Buffer | null];
    this.#takeOver(this.#channel);
    this.#takeOver(this.#channel.stderr);
    for (const bytes of early) if (bytes !== null) this.#accept(bytes);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused) {
      const block = this.#held.shift();
      if (block === undefined) break;
      this.#deliver(block.bytes.subarray(0, block.used));
    }
    if (this.#held.length === 0) this.#onEmpty?.();
  }

  /** Resolves once everything that came was delivered. */
  async drained(): Promise<void> {
    if (this.#held.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    await promise;
  }

  /** Drops what is held; nothing is delivered any more. */
  close(): void {
    this.#closed = true;
    this.#held = [];
    this.#onEmpty?.();
  }

  #takeOver(source: { push(data: Uint8Array | null): boolean; resume?(): unknown }): void {
    const push = source.push.bind(source);
    source.push = (data) => {
      if (data === null) {
        // Lets the stream end, and the channel close, without granting window.
        this.#channel._waitChanDrain = false;
        push(null);
        source.resume?.();
        return false;
      }
      this.#accept(data);
      // False keeps ssh2 from granting window itself.
      return false;
    };
  }

  #accept(data: Uint8Array): void {
    if (this.#closed) return;
    if (this.#channel.incoming.window < 0) {
      this.close();
      this.#onViolation();
    } else if (this.#paused || this.#held.length > 0) this.#hold(data);
    else this.#deliver(data);
  }

  #deliver(data: Uint8Array): void {
    if (this.#closed) return;
    this.#sink.output(data);
    this.#delivered += data.length;
    if (this.#delivered < WINDOW / 2 || this.#channel.outgoing.state !== 'open') return;
    this.#channel.incoming.window += this.#delivered;
    internalsOf(this.#client)._protocol.channelWindowAdjust(this.#channel.outgoing.id, this.#delivered);
    this.#delivered = 0;
  }

  /** Copies, so that many small packets cost no more than their bytes. */
  #hold(data: Uint8Array): void {
    for (let rest = data; rest.length > 0;) {
      let last = this.#held.at(-1);
      if (last === undefined || last.used === last.bytes.length) {
        last = { bytes: new Uint8Array(BLOCK), used: 0 };
        this.#held.push(last);
      }
      const part = rest.subarray(0, last.bytes.length - last.used);
      last.bytes.set(part, last.used);
      last.used += part.length;
      rest = rest.subarray(part.length);
    }
  }
}
