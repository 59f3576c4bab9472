import type { Duplex } from 'node:stream';
import type { SessionEnd } from '@enchilada/core/engine';
import type { Fault } from '@enchilada/core/fault';
import { brokenOff } from '../shared/index.ts';
import type { RfbState } from './codec/rfb-state.ts';
import type { Desktop } from './connect-desktop.ts';

export interface DesktopListener {
  data(bytes: Uint8Array): void;
  drained(): void;
  ended(end: SessionEnd): void;
}

/** A connection to a desktop, listened to by one viewer or by nobody. What comes while nobody listens is dropped: it is shown to no one. */
export class HeldDesktop implements AsyncDisposable {
  readonly serverInit: Uint8Array;
  readonly state: RfbState;
  readonly #stream: Duplex;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  #listener: DesktopListener | undefined;
  #isOver = false;
  #error: Error | undefined;

  constructor(desktop: Desktop) {
    this.serverInit = desktop.serverInit;
    this.state = desktop.state;
    this.#stream = desktop.stream;
    this.#stream.on('data', (bytes: Buffer) => this.#listener?.data(bytes));
    this.#stream.on('drain', () => this.#listener?.drained());
    this.#stream.on('error', (error) => {
      this.#error = error;
    });
    this.#stream.on('end', () => {
      this.#over();
    });
    this.#stream.on('close', () => {
      this.#over();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  listen(listener: DesktopListener): void {
    this.#listener = listener;
    if (this.#isOver) void this.ended.then((end) => listener.ended(end));
  }

  release(): void {
    this.#listener = undefined;
    this.#stream.resume();
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  fail(fault: Fault): void {
    this.#finish({ reason: 'failed', fault });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'terminated' });
    return Promise.resolve();
  }

  #over(): void {
    const error = this.#error;
    this.#finish(error === undefined ? { reason: 'closed-by-target' } : { reason: 'failed', fault: brokenOff(error) });
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
    this.#listener?.ended(end);
    this.#ended.resolve(end);
  }
}
