import { Duplex } from 'node:stream';

/**
 * One end of a connection inside the process. Unlike `stream.duplexPair`, bytes arrive on a fresh stack, as from a socket: ssh2 fails its key
 * exchange when an answer arrives while it is still writing the question. Destroying one end destroys the other.
 */
class PairEnd extends Duplex {
  peer: PairEnd | undefined;
  #written: (() => void) | undefined;

  override _read(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    process.nextTick(() => this.peer?.deliver(chunk, done));
  }

  override _final(done: () => void): void {
    process.nextTick(() => this.peer?.deliver(null, done));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    process.nextTick(() => this.peer?.destroy());
    done(error);
  }

  /** Calls back once there is room for more. */
  deliver(chunk: Uint8Array | null, done: () => void): void {
    if (this.destroyed || this.push(chunk) || chunk === null) done();
    else this.#written = done;
  }
}

export function streamPair(): readonly [Duplex, Duplex] {
  const [one, other] = [new PairEnd(), new PairEnd()];
  one.peer = other;
  other.peer = one;
  return [one, other];
}
