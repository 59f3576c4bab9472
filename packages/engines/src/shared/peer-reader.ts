import type { Duplex } from 'node:stream';
import { Fault } from '@enchilada/core/fault';
import { brokenOff } from './session-ending.ts';

/** Reads a peer's greeting piece by piece. What comes behind a piece stays in the stream, for whoever reads it next. */
export class PeerReader implements Disposable {
  readonly #stream: Duplex;
  #wanted:
    | { readonly count: number; readonly resolve: (bytes: Buffer) => void; readonly reject: (fault: Fault) => void }
    | undefined;
  #fault: Fault | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('readable', this.#serve);
    stream.on('end', this.#ended);
    stream.on('close', this.#ended);
    stream.on('error', this.#failed);
  }

  /** @throws Fault TARGET_DISCONNECTED, and whatever `fail` was called with */
  read(count: number): Promise<Buffer> {
    if (count === 0) return Promise.resolve(Buffer.alloc(0));
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#wanted = { count, resolve, reject };
    this.#serve();
    return promise;
  }

  /** Ends the wait with this fault, and every later one. */
  fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#serve();
  }

  readonly #serve = (): void => {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const bytes = this.#stream.read(wanted.count) as Buffer | null;
    // At its end a stream gives what is left, be it less.
    if (bytes?.length === wanted.count) {
      this.#wanted = undefined;
      wanted.resolve(bytes);
    } else if (this.#fault !== undefined) {
      this.#wanted = undefined;
      wanted.reject(this.#fault);
    }
  };

  readonly #ended = (): void => this.fail(new Fault('TARGET_DISCONNECTED', 'the target closed the connection'));

  readonly #failed = (error: NodeJS.ErrnoException): void => this.fail(brokenOff(error));

  [Symbol.dispose](): void {
    this.#stream.off('readable', this.#serve);
    this.#stream.off('end', this.#ended);
    this.#stream.off('close', this.#ended);
    this.#stream.off('error', this.#failed);
  }
}
