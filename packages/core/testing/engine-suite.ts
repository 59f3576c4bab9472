import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  SURFACES,
  checkParameters,
  type EngineContext,
  type EngineSession,
  type Hop,
  type ParameterValue,
  type ProtocolEngine,
} from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { systemClock } from './authorized.ts';

/** A real server that an engine is tried against. */
export interface EngineFixture extends AsyncDisposable {
  readonly engine: ProtocolEngine;
  /** A hop to the server with a credential that it accepts. */
  hop(): Hop;
  /** A hop to a port where nothing listens. */
  closedPort(): Hop;
  /** Attempts to sign in that the server has seen. */
  attempts(): number;
  /** Bytes of the surface that make the server send at least `bytes` of output, and then the text `marker`. */
  flood(bytes: number, marker: string): Uint8Array;
  /** Bytes of the surface that make the server end the session. */
  leave(): Uint8Array;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What every ProtocolEngine does, run against the real server of its protocol. */
export function engineSuite(name: string, start: () => Promise<EngineFixture>): void {
  describe(`engine ${name}`, () => {
    let fixture: EngineFixture;
    before(async () => {
      fixture = await start();
    });
    after(() => fixture[Symbol.asyncDispose]());

    interface Opened {
      readonly session: EngineSession;
      readonly order: readonly string[];
      readonly text: () => string;
      readonly bytes: () => number;
    }
    const open = async (hop: Hop, changes: Partial<EngineContext> = {}): Promise<Opened> => {
      const order: string[] = [];
      let tail = '';
      let bytes = 0;
      const session = await fixture.engine.open({
        hops: [
          {
            ...hop,
            credential: () => (order.push('credential'), hop.credential()),
            verifyHostKey: (key) => (order.push('host-key'), hop.verifyHostKey(key)),
          },
        ],
        sink: {
          output(chunk) {
            bytes += chunk.length;
            tail = (tail + Buffer.from(chunk).toString('latin1')).slice(-4_096);
          },
        },
        display: { columns: 80, rows: 24 },
        clock: systemClock,
        signal: new AbortController().signal,
        ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
        progress: (step) => void order.push(step),
        ...changes,
      });
      return { session, order, text: () => tail, bytes: () => bytes };
    };

    it('describes itself: surface, port, and every parameter in both languages with a default that it accepts', () => {
      const { manifest } = fixture.engine;
      assert.ok(SURFACES.includes(manifest.surface));
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
      const steps = order.filter(
        (step) => !['credential', 'host-key'].includes(step) || order.indexOf(step) === order.lastIndexOf(step),
      );
      assert.equal(steps[0], 'name');
      if (fixture.engine.manifest.hostKeys)
        assert.ok(order.indexOf('host-key') < order.indexOf('credential') && order.includes('host-key'));
      assert.ok(order.indexOf('route') < order.indexOf('port') && order.indexOf('port') < order.indexOf('handshake'));
    });

    it('sends no credential to a host whose key was not accepted', async () => {
      if (!fixture.engine.manifest.hostKeys) return;
      const before = fixture.attempts();
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
      assert.equal(fixture.attempts(), before);
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
      if (!fixture.engine.manifest.hostKeys)
        controller.abort(new Fault('SESSION_TERMINATED', 'ended by an administrator'));
      await assert.rejects(open(hop, { signal: controller.signal }), { code: 'SESSION_TERMINATED' });
    });

    it('delivers input and output, and ends when the target ends it', async () => {
      const { session, text } = await open(fixture.hop());
      await using _owner = session;
      session.input(fixture.flood(1_000, 'flood-is-over'));
      await until(() => text().includes('flood-is-over'));
      session.input(fixture.leave());
      assert.equal((await session.ended).reason, 'closed-by-target');
    });

    it('holds the target while paused, loses nothing, and goes on', async () => {
      const { session, text, bytes } = await open(fixture.hop());
      await using _owner = session;
      session.pause();
      const atPause = bytes();
      session.input(fixture.flood(16_000_000, 'flood-is-over'));
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(bytes(), atPause);
      session.resume();
      await until(() => text().includes('flood-is-over'));
      assert.ok(bytes() - atPause >= 16_000_000);
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
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      assert.equal((await session.ended).reason, 'terminated');
      session.input(new Uint8Array([1]));
      session.control({ type: 'resize', columns: 10, rows: 10 });
      session.pause();
      session.resume();
    });
  });
}
