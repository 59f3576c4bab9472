import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  SURFACES,
  checkParameters,
  type EngineContext,
  type EngineStream,
  type Hop,
  type ParameterValue,
  type ProtocolEngine,
  type Seat,
  type SeatEvent,
  type StreamedSession,
} from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { systemClock } from './authorized.ts';

export interface StreamDecoder {
  push(message: Uint8Array): void;
  /** Says the first words, where the viewer has them. */
  begin(): void;
  readonly hasPicture: boolean;
}

/** A real server that an engine with a stream for each viewer is tried against. */
export interface StreamedFixture extends AsyncDisposable {
  readonly engine: ProtocolEngine<StreamedSession>;
  /** A hop to the server with a credential that it accepts. */
  hop(): Hop;
  /** A hop to a port where nothing listens. */
  closedPort(): Hop;
  /** Attempts to sign in that the server has seen. */
  attempts(): number;
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

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

class Viewer implements Seat {
  readonly mode: 'control' | 'watch';
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

    const open = async (
      hop: Hop,
      changes: Partial<EngineContext> = {},
    ): Promise<{ readonly session: StreamedSession; readonly order: readonly string[] }> => {
      const order: string[] = [];
      const session = await fixture.engine.open({
        hops: [
          {
            ...hop,
            credential: () => (order.push('asked for the credential'), hop.credential()),
            verifyHostKey: (key) => (order.push('asked for the host'), hop.verifyHostKey(key)),
          },
        ],
        sink: { output: () => assert.fail('a streamed session has no output but its viewers') },
        display: { columns: 80, rows: 24 },
        clock: systemClock,
        signal: new AbortController().signal,
        ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
        progress: (step) => void order.push(step),
        ...changes,
      });
      return { session, order };
    };
    const sit = async (
      session: StreamedSession,
      mode: 'control' | 'watch',
    ): Promise<{ viewer: Viewer; stream: EngineStream }> => {
      const viewer = new Viewer(mode, fixture);
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

    it('describes itself: surface, port, and every parameter in both languages with a default that it accepts', () => {
      const { manifest } = fixture.engine;
      assert.ok(SURFACES.includes(manifest.surface) && manifest.surface !== 'terminal');
      assert.ok(manifest.defaultPort > 0 && manifest.defaultPort < 65_536);
      assert.ok(manifest.credentialKinds.length > 0);
      const defaults: Record<string, ParameterValue> = {};
      for (const field of manifest.parameters) {
        for (const text of [field.label, field.group, ...(field.help === undefined ? [] : [field.help])])
          assert.ok(text.en !== '' && text.de !== '');
        if (field.kind !== 'list' && field.default !== undefined) defaults[field.name] = field.default;
      }
      assert.deepEqual(checkParameters(manifest, defaults), []);
    });

    it('verifies the host before it asks for the credential, and reports its steps in order', async () => {
      const { session, order } = await open(fixture.hop());
      await using _owner = session;
      assert.deepEqual(order.slice(0, 4), ['name', 'route', 'port', 'handshake']);
      const [host, credential] = [order.indexOf('asked for the host'), order.indexOf('asked for the credential')];
      assert.ok(host > 0 && host < credential);
    });

    it('sends no credential to a host that was not accepted', async () => {
      const seen = fixture.attempts();
      let asked = false;
      const hop: Hop = {
        ...fixture.hop(),
        credential: () => {
          asked = true;
          return fixture.hop().credential();
        },
        verifyHostKey: () => Promise.reject(new Fault('HOST_KEY_CHANGED', 'the host key differs from the pinned one')),
      };
      await assert.rejects(open(hop), { code: 'HOST_KEY_CHANGED' });
      assert.equal(asked, false);
      assert.equal(fixture.attempts(), seen);
    });

    it('says that a closed port refuses', async () => {
      await assert.rejects(open(fixture.closedPort()), { code: 'TARGET_REFUSED' });
    });

    it('stops opening at once when it is aborted', async () => {
      const controller = new AbortController();
      const hop: Hop = {
        ...fixture.hop(),
        verifyHostKey: () => {
          controller.abort(new Fault('SESSION_TERMINATED', 'ended by an administrator'));
          return new Promise(() => undefined);
        },
      };
      await assert.rejects(open(hop, { signal: controller.signal }), { code: 'SESSION_TERMINATED' });
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

    it('ends with the reason of an abort', async () => {
      const controller = new AbortController();
      const { session } = await open(fixture.hop(), { signal: controller.signal });
      await using _owner = session;
      controller.abort(new Fault('SESSION_REVOKED', 'the grant was withdrawn'));
      const end = await session.ended;
      assert.equal(end.reason, 'terminated');
      assert.ok(isFault(end.fault, 'SESSION_REVOKED'));
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
