import type { PastKeyStroke, RecordingEvent, SessionRecorder } from '@enchilada/core/recording';
import { Viewer, type DataPort, type Relay, type SessionEvent, type ViewerMode } from '@enchilada/core/session';
import { StandingClock } from './standing-clock.ts';

/** A data socket whose network is the test. */
export class TestSocket implements DataPort {
  /** What was sent, and what of it was made a message of its own. */
  got = '';
  readonly messages: string[] = [];
  bufferedBytes = 0;
  /** The network takes nothing. */
  stuck = false;
  inputPaused = false;
  isClosed = false;
  #unflushed = '';
  #drained: () => void = () => undefined;

  send(bytes: Uint8Array): void {
    if (this.stuck) this.bufferedBytes += bytes.length;
    const text = Buffer.from(bytes).toString();
    this.got += text;
    this.#unflushed += text;
  }
  flush(): void {
    this.messages.push(this.#unflushed);
    this.#unflushed = '';
  }
  onDrain(drained: () => void): void {
    this.#drained = drained;
  }
  drain(to: number): void {
    this.bufferedBytes = to;
    this.#drained();
  }
  pauseInput(): void {
    this.inputPaused = true;
  }
  resumeInput(): void {
    this.inputPaused = false;
  }
  close(): void {
    this.isClosed = true;
  }
}

export type TestViewer = Viewer & { readonly events: SessionEvent[]; isClosed: boolean };

/** What a relay is tried with: a clock, viewers, and a recorder that accepts when the test lets it. */
export abstract class RelayBench {
  abstract readonly relay: Relay;
  readonly clock = new StandingClock();
  readonly recorded: RecordingEvent[] = [];
  readonly sealed: { readonly channel: number; readonly strokes: readonly PastKeyStroke[] }[] = [];
  readonly failures: unknown[] = [];
  /** Where it is set, the recorder accepts output only when the test calls what is in it. */
  accept: (() => void)[] | undefined;
  refuse: Error | undefined;
  backlog: PromiseWithResolvers<void> | undefined;

  readonly onFailure = (cause: unknown): void => {
    this.failures.push(cause);
  };

  readonly recorder: Pick<SessionRecorder, 'append' | 'sealKeys' | 'backlog'> = recorderOf(this);

  viewer(id: string, mode: ViewerMode): TestViewer {
    const events: SessionEvent[] = [];
    const viewer: TestViewer = Object.assign(
      new Viewer(
        {
          ...{ id, userId: id, username: id, mode, byGrant: false, address: '', windowId: undefined },
          login: { digest: '', createdAt: 0, expiresAt: Infinity, factor: undefined, provedAt: 0 },
        },
        { send: (event) => events.push(event), close: () => (viewer.isClosed = true) },
      ),
      { events, isClosed: false },
    );
    this.relay.join(viewer);
    return viewer;
  }
}

function recorderOf(bench: RelayBench): RelayBench['recorder'] {
  return {
    append: (event) => {
      bench.recorded.push(event);
      if (bench.refuse !== undefined) return Promise.reject(bench.refuse);
      const { accept } = bench;
      return accept === undefined || event.kind !== 'output'
        ? Promise.resolve()
        : new Promise<void>((resolve) => accept.push(resolve));
    },
    sealKeys: (channel, strokes) => {
      bench.sealed.push({ channel, strokes });
      return Promise.resolve();
    },
    get backlog() {
      return bench.backlog?.promise;
    },
  };
}

/** Everything that was promised meanwhile has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
