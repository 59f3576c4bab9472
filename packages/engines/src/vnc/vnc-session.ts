import type {
  ClipboardRights,
  EngineFacts,
  EngineStream,
  Seat,
  SessionEnd,
  StreamedSession,
} from '@enchilada/core/engine';
import { isFault } from '@enchilada/core/fault';
import { clipboardOf } from '../shared/index.ts';
import type { Desktop } from './connect-desktop.ts';
import { DesktopStream } from './desktop-stream.ts';
import { HeldDesktop } from './held-desktop.ts';
import type { VncParameters } from './vnc-manifest.ts';

export interface VncSessionParts {
  readonly parameters: VncParameters;
  readonly signal: AbortSignal;
  /** A further connection to the same desktop. @throws Fault */
  readonly connect: () => Promise<Desktop>;
  /** Closed with the session. */
  readonly passage: AsyncDisposable;
}

/**
 * A desktop that viewers come to and go from. The controlling viewer's connection stays when the viewer goes:
 * it is what says that the desktop is still there, until the next controlling viewer has one of its own.
 */
export class VncSession implements StreamedSession {
  readonly facts: EngineFacts;
  readonly clipboard: ClipboardRights;
  readonly #parts: VncSessionParts;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  readonly #watchers = new Set<HeldDesktop>();
  #held: HeldDesktop;
  #isOver = false;

  constructor(first: Desktop, parts: VncSessionParts) {
    this.facts = first.facts;
    this.clipboard = clipboardOf(parts.parameters);
    this.#parts = parts;
    this.#held = new HeldDesktop(first);
    this.#follow(this.#held);
    const { signal } = parts;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  async join(seat: Seat): Promise<EngineStream> {
    const desktop = seat.mode === 'control' ? await this.#forControl() : await this.#forWatching();
    const stream = new DesktopStream(desktop, seat, this.#parts.parameters);
    if (seat.mode === 'watch') void stream.ended.then(() => desktop[Symbol.asyncDispose]());
    stream.start();
    return stream;
  }

  async #forControl(): Promise<HeldDesktop> {
    if (!this.#held.isUsed) return this.#held;
    const before = this.#held;
    const desktop = new HeldDesktop(await this.#parts.connect());
    if (this.#isOver) {
      await desktop[Symbol.asyncDispose]();
      return desktop;
    }
    this.#held = desktop;
    this.#follow(desktop);
    await before[Symbol.asyncDispose]();
    return desktop;
  }

  async #forWatching(): Promise<HeldDesktop> {
    const desktop = new HeldDesktop(await this.#parts.connect());
    if (this.#isOver) await desktop[Symbol.asyncDispose]();
    this.#watchers.add(desktop);
    void desktop.ended.then(() => this.#watchers.delete(desktop));
    return desktop;
  }

  /** The session ends with the connection that holds it, and with no other. */
  #follow(desktop: HeldDesktop): void {
    void desktop.ended.then((end) => {
      if (this.#held === desktop) this.#finish(end);
    });
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#parts.signal.reason;
    this.#finish({ reason: 'terminated', ...(isFault(reason) ? { fault: reason } : {}) });
  };

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.signal.removeEventListener('abort', this.#abort);
    for (const desktop of [this.#held, ...this.#watchers]) void desktop[Symbol.asyncDispose]();
    void this.#parts.passage[Symbol.asyncDispose]();
    this.#ended.resolve(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ reason: 'terminated' });
    await this.#ended.promise;
  }
}
