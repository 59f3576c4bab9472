import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SeatEvent } from '@enchilada/core/engine';
import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import { startingState } from './codec/rdp-state.ts';
import { KeyFrames, type KeyFrameMark } from './key-frames.ts';
import { StreamLog } from './stream-log.ts';
import { openMachine, TestSeat, until } from './testing.ts';

type KeyFrame = Extract<SeatEvent, { readonly type: 'key-frame' }>;

/** Remembers where between its messages something was noted. */
class MarkedSeat extends TestSeat {
  readonly marks: { readonly at: number; readonly event: SeatEvent }[] = [];

  override noted(event: SeatEvent): void {
    this.marks.push({ at: this.messages.length, event });
    super.noted(event);
  }

  get phases(): readonly KeyFrame['phase'][] {
    return this.marks.flatMap(({ event }) => (event.type === 'key-frame' ? [event.phase] : []));
  }

  /** Where the last whole key frame begins, and what a decoder needs in front of it. */
  lastKeyFrame(): { readonly from: number; readonly preamble: readonly Uint8Array[] } {
    const whole = this.marks.findLastIndex(({ event }) => event.type === 'key-frame' && event.phase === 'whole');
    const begun = this.marks.slice(0, whole).findLast(({ event }) => event.type === 'key-frame');
    const given = this.marks.slice(0, whole).findLast(({ event }) => event.type === 'preamble')?.event;
    assert.ok(begun !== undefined && given?.type === 'preamble');
    return { from: begun.at, preamble: given.messages };
  }
}

for (const [name, start] of [
  ['FreeRDP', startRdpShadow],
  ['xrdp', () => startXrdp()],
] as const)
  describe(`key frames of ${name}`, () => {
    it('are asked for after enough pictures, and a fresh decoder begins at them', async () => {
      await using server = await start();
      await using session = await openMachine({
        ...server,
        keyFrames: { everyBytes: 1, everyTimesItself: 0, everyMs: 0 },
      });
      const seat = new MarkedSeat();
      await seat.sit(session);
      await until(() => seat.phases.filter((phase) => phase === 'whole').length >= 2);
      const seen = seat.viewer.updates;
      await server.run('xsetroot', '-solid', '#406080');
      await until(() => seat.viewer.updates > seen);
      const { from, preamble } = seat.lastKeyFrame();
      const fresh = new RdpViewer({ channels: ['drdynvc', 'cliprdr', 'rdpsnd'], send: () => undefined });
      for (const message of [...preamble, ...seat.messages.slice(from)]) fresh.push(message);
      assert.deepEqual([fresh.failure, fresh.isActive, fresh.size], [undefined, true, seat.viewer.size]);
      assert.ok(fresh.updates > 0 && fresh.updates < seat.viewer.updates);
    });

    it('are where one begins who watches later, and what came before is kept no more', async () => {
      await using server = await start();
      await using session = await openMachine({
        ...server,
        keyFrames: { everyBytes: 1, everyTimesItself: 0, everyMs: 0 },
        streamLog: { partBytes: 64 * 1024, mostBytes: 4 * 1024 * 1024 },
      });
      const seat = new MarkedSeat();
      await seat.sit(session);
      const early = new TestSeat('watch');
      await early.sit(session);
      // More than the log may hold.
      const sent = (): number => seat.messages.reduce((sum, { length }) => sum + length, 0);
      for (let colour = 0; sent() < 6 * 1024 * 1024; colour += 1) {
        const wholes = seat.phases.filter((phase) => phase === 'whole').length;
        await server.run('xsetroot', '-solid', `#40${String((colour % 80) + 10)}80`);
        await until(() => seat.phases.filter((phase) => phase === 'whole').length > wholes);
      }
      const watcher = new TestSeat('watch');
      await watcher.sit(session);
      const isLevel = (): boolean => watcher.messages.at(-1)?.equals(seat.messages.at(-1) ?? Buffer.alloc(0)) === true;
      await until(() => watcher.viewer.updates > 0 && isLevel());
      assert.deepEqual([watcher.viewer.failure, watcher.viewer.size], [undefined, seat.viewer.size]);
      assert.ok(watcher.messages.length < seat.messages.length / 2);
      await until(() => early.messages.length === seat.messages.length);
      assert.equal(early.viewer.failure, undefined);
    });
  });

describe('key frames across a resize', () => {
  it('begin with the desktop that is activated anew, and know the new size', async () => {
    await using server = await startXrdp();
    await using session = await openMachine({ ...server, keyFrames: { everyMs: 600_000 } });
    const seat = new MarkedSeat();
    await seat.sit(session);
    await until(() => seat.viewer.canResize && seat.viewer.updates > 0);
    assert.deepEqual(seat.phases, []);
    seat.stream?.input(seat.viewer.resize(1152, 864));
    await until(() => seat.phases.includes('whole'));
    const { from, preamble } = seat.lastKeyFrame();
    const fresh = new RdpViewer({ channels: ['drdynvc', 'cliprdr', 'rdpsnd'], send: () => undefined });
    for (const message of [...preamble, ...seat.messages.slice(from)]) fresh.push(message);
    assert.deepEqual([fresh.failure, fresh.activations, fresh.size], [undefined, 2, { width: 1152, height: 864 }]);
  });
});

describe('a machine that does not answer', () => {
  it('is asked three times and no more, until its desktop is there anew', () => {
    const clock = new StandingClock();
    const state = { ...startingState(), size: { width: 100, height: 100 } };
    using log = new StreamLog();
    const asked: Uint8Array[] = [];
    const marks: KeyFrameMark[] = [];
    const frames = new KeyFrames({
      ...{ clock, state, log, dynamicMessages: [] },
      rhythm: { everyBytes: 1_000, everyTimesItself: 4, everyMs: 5_000, answerMs: 10_000 },
      write: (bytes) => asked.push(bytes),
      mark: (mark) => marks.push(mark),
    });
    const activate = (): void => {
      frames.activating();
      log.append(Buffer.from('demand active to font map'));
      frames.activated();
    };
    const corner = { areas: [{ left: 0, top: 0, right: 90, bottom: 100 }], isCodecStart: false };
    const paint = (seconds: number): void => {
      for (let second = 0; second < seconds; second += 1) {
        clock.time += 1_000;
        log.append(Buffer.from('a picture'));
        frames.drawn([corner], 600);
        frames.settle();
      }
    };
    activate();
    paint(120);
    assert.equal(asked.length, 3);
    assert.deepEqual(
      marks.filter((mark) => mark.type === 'key-frame' && mark.phase === 'whole'),
      [],
    );
    activate();
    paint(120);
    assert.equal(asked.length, 6);
  });
});

describe('a machine to which right and bottom of what it is asked for lie outside', () => {
  it('leaves out the edge once, and is asked for one pixel more from then on', () => {
    const clock = new StandingClock();
    const state = { ...startingState(), size: { width: 100, height: 100 } };
    using log = new StreamLog();
    const asked: number[] = [];
    let whole = 0;
    const frames = new KeyFrames({
      ...{ clock, state, log, dynamicMessages: [] },
      rhythm: { everyBytes: 1_000, everyTimesItself: 0, everyMs: 5_000, answerMs: 10_000 },
      write: (bytes) => asked.push(Buffer.from(bytes).readUInt16LE(bytes.length - 2)),
      mark: (mark) => (whole += mark.type === 'key-frame' && mark.phase === 'whole' ? 1 : 0),
    });
    frames.activating();
    log.append(Buffer.from('demand active to font map'));
    frames.activated();
    for (let second = 0; second < 60; second += 1) {
      clock.time += 1_000;
      log.append(Buffer.from('a picture'));
      const bottom = asked.at(-1) ?? 0;
      frames.drawn([{ areas: [{ left: 0, top: 0, right: bottom, bottom }], isCodecStart: false }], 600);
      frames.settle();
    }
    assert.deepEqual(asked.slice(0, 2), [99, 100]);
    assert.deepEqual([...new Set(asked.slice(2))], [100]);
    assert.ok(whole > 3);
  });
});
