import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EngineContext, EngineStream, Hop, Seat, SeatEvent, StreamedSession } from '@enchilada/core/engine';
import { isFault } from '@enchilada/core/fault';
import { engineCases, openNoting, until, type Opened, type ServerFixture } from './engine-cases.ts';

export interface StreamDecoder {
  push(message: Uint8Array): void;
  /** Says the first words, where the viewer has them. */
  begin(): void;
  readonly hasPicture: boolean;
}

/** A real server that an engine with a stream for each viewer is tried against. */
export interface StreamedFixture extends ServerFixture<StreamedSession> {
  /** A viewer's decoder, which says what it has to with `send`, so that the server sends it a picture. */
  decoder(send: (bytes: Uint8Array) => void): StreamDecoder;
  /** Makes the server send something more to whoever asked for it. */
  change(): Promise<void>;
  /** What a viewer asks for the next change with. */
  next(): Uint8Array;
  /** Types something that the machine would keep. */
  typed(): Uint8Array;
  /** Whether the machine has got it. */
  hasTyped(): Promise<boolean>;
  /** Ends the server. */
  stop(): Promise<void>;
}

class Viewer implements Seat {
  readonly mode: 'control' | 'watch';
  viewOnly = false;
  readonly clipboard = { upload: true, download: true };
  readonly clipboardFiles = { upload: true, download: true };
  readonly events: SeatEvent[] = [];
  bytes = 0;
  readonly decoder: StreamDecoder;
  stream: EngineStream | undefined;
  readonly sink = {
    output: (bytes: Uint8Array): void => {
      assert.ok(bytes.length > 0 && bytes.length <= 256 * 1024);
      this.bytes += bytes.length;
      this.decoder.push(bytes);
    },
  };

  constructor(mode: 'control' | 'watch', fixture: StreamedFixture) {
    this.mode = mode;
    this.decoder = fixture.decoder((bytes) => {
      // A decoder answers from within the output that it reads.
      queueMicrotask(() => this.stream?.input(bytes));
    });
  }

  aside(bytes: Uint8Array): void {
    this.decoder.push(bytes);
  }

  written(): Promise<void> {
    return Promise.resolve();
  }

  noted(event: SeatEvent): void {
    this.events.push(event);
  }
}

/** What every engine with a stream for each viewer does, run against the real server of its protocol. */
export function streamedEngineSuite(name: string, start: () => Promise<StreamedFixture>): void {
  describe(`engine ${name}`, () => {
    let fixture: StreamedFixture;
    before(async () => {
      fixture = await start();
    });
    after(() => fixture[Symbol.asyncDispose]());

    const open = (hop: Hop, changes: Partial<EngineContext> = {}): Promise<Opened<StreamedSession>> => {
      const sink = { output: () => assert.fail('a streamed session has no output but its viewers') };
      return openNoting(fixture, hop, { sink, ...changes });
    };
    const sit = async (
      session: StreamedSession,
      mode: 'control' | 'watch',
      viewOnly = false,
    ): Promise<{ viewer: Viewer; stream: EngineStream }> => {
      const viewer = new Viewer(mode, fixture);
      viewer.viewOnly = viewOnly;
      const stream = await session.join(viewer);
      viewer.stream = stream;
      viewer.decoder.begin();
      return { viewer, stream };
    };
    const seesMore = async ({ viewer, stream }: { viewer: Viewer; stream: EngineStream }): Promise<void> => {
      const seen = viewer.bytes;
      stream.input(fixture.next());
      await fixture.change();
      await until(() => viewer.bytes > seen);
    };

    engineCases(() => fixture, open);

    it('has a surface that is shown from its beginning only', () => {
      assert.notEqual(fixture.engine.manifest.surface, 'terminal');
    });

    it('shows each viewer its own stream from the first byte on, whoever came before', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const first = await sit(session, 'control');
      await until(() => first.viewer.decoder.hasPicture);
      const second = await sit(session, 'watch');
      await until(() => second.viewer.decoder.hasPicture);
      await seesMore(first);
      await seesMore(second);
    });

    it('lets nothing be done by a viewer in control of a view-only session', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const looking = await sit(session, 'control', true);
      await until(() => looking.viewer.decoder.hasPicture);
      looking.stream.input(fixture.typed());
      await seesMore(looking);
      assert.equal(await fixture.hasTyped(), false);
      const done = looking.viewer.events.filter(({ type }) => type !== 'preamble' && type !== 'key-frame');
      assert.deepEqual(done, []);
    });

    it('lets the controlling viewer type, and never a watching one', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const watcher = await sit(session, 'watch');
      await until(() => watcher.viewer.decoder.hasPicture);
      watcher.stream.input(fixture.typed());
      await seesMore(watcher);
      assert.equal(await fixture.hasTyped(), false);
      assert.deepEqual(watcher.viewer.events, []);
      const controller = await sit(session, 'control');
      await until(() => controller.viewer.decoder.hasPicture);
      controller.stream.input(fixture.typed());
      await until(() => fixture.hasTyped());
      assert.ok(controller.viewer.events.some(({ type }) => type === 'active'));
    });

    it('goes on when a viewer leaves, and gives the next one the desktop as it is', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const first = await sit(session, 'control');
      await until(() => first.viewer.decoder.hasPicture);
      await first.stream[Symbol.asyncDispose]();
      const seen = first.viewer.bytes;
      const second = await sit(session, 'control');
      await until(() => second.viewer.decoder.hasPicture);
      await seesMore(second);
      assert.equal(first.viewer.bytes, seen);
    });

    it('gives nothing while paused, and goes on', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const one = await sit(session, 'control');
      await until(() => one.viewer.decoder.hasPicture);
      one.stream.pause();
      const seen = one.viewer.bytes;
      one.stream.input(fixture.next());
      await fixture.change();
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(one.viewer.bytes, seen);
      one.stream.resume();
      await until(() => one.viewer.bytes > seen);
    });

    it('ends a viewer that breaks the protocol, and not the session', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const one = await sit(session, 'control');
      one.stream.input(new Uint8Array(64).fill(0xee));
      const end = await one.stream.ended;
      assert.ok(isFault(end.fault, 'PROTOCOL_MESSAGE_INVALID'));
      const other = await sit(session, 'control');
      await until(() => other.viewer.decoder.hasPicture);
    });

    it('settles its end when disposed, twice over, and takes late calls calmly', async () => {
      const { session } = await open(fixture.hop());
      const { stream } = await sit(session, 'control');
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      assert.equal((await session.ended).reason, 'terminated');
      stream.input(fixture.next());
      stream.pause();
      stream.resume();
      await stream[Symbol.asyncDispose]();
    });

    it('ends when the target ends, with every viewer', async () => {
      const { session } = await open(fixture.hop());
      await using _owner = session;
      const one = await sit(session, 'control');
      await until(() => one.viewer.decoder.hasPicture);
      await fixture.stop();
      assert.ok(['closed-by-target', 'failed'].includes((await session.ended).reason));
      await one.stream.ended;
    });
  });
}
