import type {
  ClipboardRights,
  EngineFacts,
  EngineStream,
  Seat,
  SessionEnd,
  StreamedSession,
} from '@enchilada/core/engine';
import { clipboardOf, SessionEnding } from '../shared/index.ts';
import { DesktopStream } from './desktop-stream.ts';
import { HeldMachine, type HeldMachineParts } from './held-machine.ts';
import type { Machine } from './machine.ts';
import type { RdpParameters } from './rdp-manifest.ts';

export interface RdpSessionParts {
  readonly held: HeldMachineParts;
  readonly parameters: RdpParameters;
  readonly signal: AbortSignal;
  /** A further connection to the same machine, signed in as the same account: it takes the desktop over. @throws Fault */
  readonly connect: () => Promise<Machine>;
  /** Closed with the session. */
  readonly passage: AsyncDisposable;
}

/**
 * A desktop that viewers come to and go from, by one connection at a time: a further one of the same account takes the desktop away
 * from the first. The next controlling viewer makes a new one; whoever watches reads along and goes on with it.
 */
export class RdpSession implements StreamedSession {
  readonly facts: EngineFacts;
  readonly clipboard: ClipboardRights;
  readonly clipboardFiles: ClipboardRights;
  readonly #parts: RdpSessionParts;
  readonly #ending: SessionEnding;
  readonly #watchers = new Set<DesktopStream>();
  #held: HeldMachine;
  #controller: DesktopStream | undefined;

  constructor(first: Machine, parts: RdpSessionParts) {
    this.facts = first.facts;
    this.clipboard = clipboardOf(parts.parameters);
    this.clipboardFiles = this.clipboard;
    this.#parts = parts;
    this.#held = new HeldMachine(first, parts.held);
    this.#ending = new SessionEnding(parts.signal, () => {
      void this.#held[Symbol.asyncDispose]();
      void parts.passage[Symbol.asyncDispose]();
    });
    this.#endWith(this.#held);
  }

  get ended(): Promise<SessionEnd> {
    return this.#ending.ended;
  }

  async join(seat: Seat): Promise<EngineStream> {
    if (seat.mode === 'watch') {
      const stream = new DesktopStream(this.#held, seat, this.#parts.parameters);
      this.#watchers.add(stream);
      void stream.ended.then(() => this.#watchers.delete(stream));
      return stream;
    }
    if (this.#held.isUsed) await this.#takeOver();
    // A controlling viewer that has not begun yet gives way, as one that has.
    await this.#controller?.[Symbol.asyncDispose]();
    const stream = new DesktopStream(this.#held, seat, this.#parts.parameters);
    this.#controller = stream;
    return stream;
  }

  async #takeOver(): Promise<void> {
    const next = new HeldMachine(await this.#parts.connect(), this.#parts.held);
    if (this.#ending.isOver) {
      await next[Symbol.asyncDispose]();
      return;
    }
    const before = this.#held;
    this.#held = next;
    this.#endWith(next);
    for (const watcher of this.#watchers) watcher.follow(next);
    await before[Symbol.asyncDispose]();
  }

  /** The session ends with the connection that holds it, and with no other. */
  #endWith(machine: HeldMachine): void {
    void machine.ended.then((end) => {
      if (this.#held === machine) this.#ending.finish(end);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ending[Symbol.asyncDispose]();
  }
}
