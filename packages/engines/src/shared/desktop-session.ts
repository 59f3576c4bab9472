import type {
  ClipboardRights,
  EngineFacts,
  EngineStream,
  Seat,
  SessionEnd,
  StreamedSession,
} from '@enchilada/core/engine';
import { SessionEnding } from './session-ending.ts';

export interface DesktopConnection extends AsyncDisposable {
  readonly ended: Promise<SessionEnd>;
}

export interface DesktopSessionParts<C extends DesktopConnection> {
  readonly facts: EngineFacts;
  readonly clipboard: ClipboardRights;
  readonly signal: AbortSignal;
  /** A further connection to the same desktop. @throws Fault */
  readonly connect: (mode: Seat['mode'], held: C) => Promise<C>;
  readonly streamOf: (connection: C, seat: Seat) => EngineStream & { start(): void };
  /** Closed with the session. */
  readonly passage?: AsyncDisposable;
}

/**
 * A desktop that viewers come to and go from, each by a connection of their own. The controlling viewer's connection stays when the viewer goes:
 * it is what says that the desktop is still there, until the next controlling viewer has one of its own.
 */
export class DesktopSession<C extends DesktopConnection> implements StreamedSession {
  readonly facts: EngineFacts;
  readonly clipboard: ClipboardRights;
  readonly #parts: DesktopSessionParts<C>;
  readonly #ending: SessionEnding;
  readonly #watchers = new Set<C>();
  #held: C;
  /** The connection that the session was opened with, until a viewer has it: another's decoder can begin on it no more. */
  #unused: C | undefined;
  #turns = 0;
  /** The turn of the join that holds the session. */
  #heldSince = 0;

  constructor(first: C, parts: DesktopSessionParts<C>) {
    this.facts = parts.facts;
    this.clipboard = parts.clipboard;
    this.#parts = parts;
    this.#held = first;
    this.#unused = first;
    this.#ending = new SessionEnding(parts.signal, () => {
      for (const connection of [this.#held, ...this.#watchers]) void connection[Symbol.asyncDispose]();
      void parts.passage?.[Symbol.asyncDispose]();
    });
    this.#follow(first);
  }

  get ended(): Promise<SessionEnd> {
    return this.#ending.ended;
  }

  async join(seat: Seat): Promise<EngineStream> {
    const connection = seat.mode === 'control' ? await this.#forControl() : await this.#forWatching();
    const stream = this.#parts.streamOf(connection, seat);
    if (seat.mode === 'watch') void stream.ended.then(() => connection[Symbol.asyncDispose]());
    stream.start();
    return stream;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ending[Symbol.asyncDispose]();
  }

  /** INVARIANT: a connection has one viewer at most, and of joins that overlap the one that began last keeps the session. */
  async #forControl(): Promise<C> {
    const turn = ++this.#turns;
    const first = this.#unused;
    if (first !== undefined) {
      this.#unused = undefined;
      this.#heldSince = turn;
      return first;
    }
    const connection = await this.#parts.connect('control', this.#held);
    if (this.#ending.isOver || turn < this.#heldSince) {
      await connection[Symbol.asyncDispose]();
      return connection;
    }
    const before = this.#held;
    this.#held = connection;
    this.#heldSince = turn;
    this.#follow(connection);
    await before[Symbol.asyncDispose]();
    return connection;
  }

  async #forWatching(): Promise<C> {
    const connection = await this.#parts.connect('watch', this.#held);
    if (this.#ending.isOver) {
      await connection[Symbol.asyncDispose]();
      return connection;
    }
    this.#watchers.add(connection);
    void connection.ended.then(() => this.#watchers.delete(connection));
    return connection;
  }

  /** The session ends with the connection that holds it, and with no other. */
  #follow(connection: C): void {
    void connection.ended.then((end) => {
      if (this.#held === connection) this.#ending.finish(end);
    });
  }
}
