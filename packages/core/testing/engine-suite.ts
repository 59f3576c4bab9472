import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EngineContext, EngineSession, Hop } from '@enchilada/core/engine';
import { engineCases, openNoting, until, type Opened, type ServerFixture } from './engine-cases.ts';

/** A real server that an engine is tried against. */
export interface EngineFixture extends ServerFixture<EngineSession> {
  /** Bytes of the surface that make the server send at least `bytes` of output, and then the text `marker`. */
  flood(bytes: number, marker: string): Uint8Array;
  /** Bytes of the surface that make the server end the session. */
  leave(): Uint8Array;
}

interface Shown extends Opened<EngineSession> {
  /** The end of what came. */
  readonly text: () => string;
  readonly bytes: () => number;
}

/** What every ProtocolEngine does, run against the real server of its protocol. */
export function engineSuite(name: string, start: () => Promise<EngineFixture>): void {
  describe(`engine ${name}`, () => {
    let fixture: EngineFixture;
    before(async () => {
      fixture = await start();
    });
    after(() => fixture[Symbol.asyncDispose]());

    const open = async (hop: Hop, changes: Partial<EngineContext> = {}): Promise<Shown> => {
      let tail = '';
      let bytes = 0;
      const sink = {
        output(chunk: Uint8Array) {
          bytes += chunk.length;
          tail = (tail + Buffer.from(chunk).toString('latin1')).slice(-4_096);
        },
      };
      const opened = await openNoting(fixture, hop, { sink, ...changes });
      return { ...opened, text: () => tail, bytes: () => bytes };
    };

    engineCases(() => fixture, open);

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
