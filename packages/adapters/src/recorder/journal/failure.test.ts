import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Fault, isFault } from '@enchilada/core/fault';
import type { RecordingStore, SessionRecorder } from '@enchilada/core/recording';
import { exampleDescription, ManualClock } from '@enchilada/core/testing/recorder-parts';
import { until } from '@enchilada/core/testing/until';
import type { OpenSegment, SegmentFile } from './journal.ts';
import { openRecordingReader } from './index.ts';
import { openRig, outputOf } from './testing/recorder-rig.ts';

const output = (bytes: Uint8Array) => ({ kind: 'output' as const, bytes });

/** A disk of 16 MiB that really fills up. Mounting needs root, which the test run has in CI. */
async function smallDisk(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', path]);
      await rm(path, { recursive: true });
    },
  };
}

describe('a full disk', () => {
  it('rejects what it could not take, ends every session, loses nothing accepted, and works again once there is room', async () => {
    await using disk = await smallDisk();
    await using rig = await openRig({ directory: disk.path, minFreeBytes: 4 * 1024 * 1024 });
    const [busy, idle] = [await rig.recorder.open(exampleDescription()), await rig.recorder.open(exampleDescription())];
    await writeFile(join(disk.path, 'ballast'), randomBytes(10 * 1024 * 1024));
    const accepted: Buffer[] = [];
    let rejection: unknown;
    while (rejection === undefined) {
      const bytes = randomBytes(60_000);
      await busy.append(output(bytes)).then(
        () => accepted.push(bytes),
        (cause: unknown) => {
          rejection = cause;
        },
      );
    }
    assert.ok(isFault(rejection, 'RECORDING_STORE_FULL'), inspect(rejection));
    for (const session of [busy, idle]) {
      assert.equal((await session.failed).code, 'RECORDING_STORE_FULL');
      await assert.rejects(session.append(output(Buffer.from('more'))), (cause) =>
        isFault(cause, 'RECORDING_STORE_FULL'),
      );
    }
    await assert.rejects(rig.recorder.open(exampleDescription()), (cause) => isFault(cause, 'RECORDING_STORE_FULL'));
    const ends = [busy.finish({ reason: 'failed' }), idle.finish({ reason: 'failed' })];
    await rm(join(disk.path, 'ballast'));
    for (const { state } of await Promise.all(ends)) assert.equal(state, 'INCOMPLETE');
    await until(() => rig.recorder.stats.liveRecordings === 0);
    const recorded = await outputOf(rig.reader, busy.id);
    const shown = Buffer.concat(accepted);
    assert.ok(recorded.subarray(0, shown.length).equals(shown), `${recorded.length} recorded, ${shown.length} shown`);
    for (const session of [busy, idle]) assert.equal((await rig.reader.verify(session.id)).code, 10);
    const after = await rig.recorder.open(exampleDescription());
    await after.append(output(Buffer.from('again')));
    assert.equal((await after.finish({ reason: 'closed' })).state, 'COMPLETE');
    assert.equal((await rig.reader.verify(after.id)).code, 0);
  });
});

/** No device here fails with EIO or hangs at will, so these two cases replace the segment's file handle and nothing else. */
describe('a broken disk, simulated at the file handle', () => {
  const broken = (change: (real: SegmentFile) => Partial<SegmentFile>): OpenSegment => {
    return async (path) => {
      const real = await open(path, 'wx', 0o600);
      const file = { writev: real.writev.bind(real), datasync: real.datasync.bind(real), close: real.close.bind(real) };
      return { ...file, ...change(file) };
    };
  };
  const eio = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });

  it('ends sessions at an I/O error of write or of fdatasync, and takes new ones once the disk works', async () => {
    for (const call of ['writev', 'datasync'] as const) {
      let failing = false;
      const openSegment = broken((real) => ({
        [call]: (...args: never[]) =>
          failing ? Promise.reject(eio) : (real[call] as (...a: never[]) => unknown)(...args),
      }));
      await using rig = await openRig({ openSegment });
      const session = await rig.recorder.open(exampleDescription());
      await session.append(output(Buffer.from('before')));
      failing = true;
      const last = session.append(output(Buffer.from('after'))).catch((cause: unknown) => cause);
      assert.equal((await session.failed).code, 'RECORDER_FAILED');
      if (call === 'writev') assert.ok(isFault(await last, 'RECORDER_FAILED'));
      assert.equal((await session.finish({ reason: 'failed' })).state, 'INCOMPLETE');
      await assert.rejects(rig.recorder.open(exampleDescription()), (cause) => isFault(cause, 'RECORDER_FAILED'));
      failing = false;
      const next = await rig.recorder.open(exampleDescription());
      await next.append(output(Buffer.from('works')));
      assert.equal((await next.finish({ reason: 'closed' })).state, 'COMPLETE');
      assert.ok((await outputOf(rig.reader, session.id)).toString().startsWith('before'));
    }
  });

  it('ends sessions when a write does not come back for 3 s', async () => {
    const clock = new ManualClock();
    let [stalled, isStuck] = [false, false];
    const release = Promise.withResolvers<never>();
    const openSegment = broken((real) => ({
      writev: ((buffers: Buffer[]) => {
        if (!stalled) return real.writev(buffers);
        isStuck = true;
        return release.promise;
      }) as SegmentFile['writev'],
    }));
    await using rig = await openRig({ clock, openSegment });
    const session = await rig.recorder.open(exampleDescription({ startedAt: clock.now() }));
    stalled = true;
    const append = session.append(output(Buffer.from('x')));
    // What was written before may still be on its way to the disk.
    await until(() => isStuck);
    clock.advance(2500);
    assert.ok(rig.recorder.stats.lagMs >= 2500);
    clock.advance(1000);
    await assert.rejects(append, /did not take a write for 3000 ms/);
    assert.equal((await session.failed).code, 'RECORDER_FAILED');
    stalled = false;
    const next = await rig.recorder.open(exampleDescription({ startedAt: clock.now() }));
    await next.append(output(Buffer.from('works')));
    release.reject(eio);
    await turn();
    await next.append(output(Buffer.from('still')));
    assert.equal((await next.finish({ reason: 'closed' })).state, 'COMPLETE');
    assert.equal((await session.finish({ reason: 'failed' })).state, 'INCOMPLETE');
  });

  it('records the rest of a write that the kernel took only in part', async () => {
    const openSegment = broken((real) => ({
      writev: ((buffers: Buffer[]) =>
        real.writev([
          (buffers.find(({ length }) => length > 0) ?? Buffer.alloc(0)).subarray(0, 1000),
        ])) as SegmentFile['writev'],
    }));
    await using rig = await openRig({ openSegment });
    const session = await rig.recorder.open(exampleDescription());
    await session.append(output(randomBytes(50_000)));
    assert.equal((await session.finish({ reason: 'closed' })).state, 'COMPLETE');
  });
});

/** The rig's store, but `put` of everything behind a recording's head is the test's. */
function storeWith(real: RecordingStore, put: RecordingStore['put']): RecordingStore {
  return {
    ...{ get: real.get.bind(real), list: real.list.bind(real), locate: real.locate.bind(real) },
    ...{ freeBytes: real.freeBytes.bind(real), retire: real.retire.bind(real) },
    put: (name, bytes) => (name.endsWith('head.json') ? real.put(name, bytes) : put(name, bytes)),
  };
}

/** Appends as a target does that obeys: until it is told to wait, or has sent everything. */
async function sendUntilTold(session: SessionRecorder, sent: Buffer, from = 0): Promise<number> {
  let at = from;
  while (at < sent.length && session.backlog === undefined) {
    await session.append(output(sent.subarray(at, at + 20_000)));
    at += 20_000;
  }
  return Math.min(at, sent.length);
}

describe('a store that is away', () => {
  it('is tried again until it takes every chunk, once each', async () => {
    const clock = new ManualClock();
    await using rig = await openRig();
    let [refusals, lostReplies] = [0, 0];
    const flaky = storeWith(rig.store, async (name, bytes) => {
      if (refusals++ % 3 !== 2) throw new Fault('RECORDER_FAILED', 'away');
      const outcome = await rig.store.put(name, bytes);
      if (lostReplies++ % 4 === 3) throw new Fault('RECORDER_FAILED', 'stored, but the reply is lost');
      return outcome;
    });
    await using away = await openRig({ clock, store: flaky });
    const session = await away.recorder.open(exampleDescription({ startedAt: clock.now() }));
    const sent = randomBytes(6_000_000);
    for (let at = 0; at < sent.length; at += 50_000) await session.append(output(sent.subarray(at, at + 50_000)));
    const end = session.finish({ reason: 'closed' });
    await until(() => {
      clock.advance(100);
      return away.recorder.stats.liveRecordings === 0;
    });
    assert.equal((await end).state, 'COMPLETE');
    assert.ok(away.recorder.stats.storeRetries > 0);
    const names: string[] = [];
    for await (const { name } of rig.store.list('rec/v1')) names.push(name);
    assert.equal(names.length, 1 + (await end).chunks + 1);
  });

  it('ends every session once more waits for it than may, should a target not wait, rather than filling the memory', async () => {
    await using rig = await openRig();
    const dead = storeWith(rig.store, () => Promise.reject(new Fault('RECORDER_FAILED', 'away')));
    await using away = await openRig({ store: dead, maxUnstoredBytes: 3_000_000 });
    const session = await away.recorder.open(exampleDescription());
    let appended = 0;
    while (
      await session.append(output(randomBytes(200_000))).then(
        () => true,
        () => false,
      )
    )
      appended += 200_000;
    assert.ok(appended >= 2_000_000 && appended < 6_000_000, String(appended));
    assert.equal((await session.failed).code, 'RECORDING_STORE_FULL');
  });

  it('ends the session that waits for it within 5 s of refusing, or after 15 s of silence, and lets who typed go on', async () => {
    for (const [behaviour, patienceMs] of [
      ['refuses', 3_000],
      ['is silent', 15_000],
    ] as const) {
      const clock = new ManualClock();
      await using rig = await openRig();
      let asked = 0;
      const dead = storeWith(rig.store, () => {
        asked += 1;
        if (behaviour === 'refuses') return Promise.reject(new Fault('RECORDER_FAILED', 'away'));
        return new Promise(() => undefined);
      });
      await using away = await openRig({ clock, store: dead, maxUnstoredBytes: 4_000_000 });
      const [flood, typist] = [
        await away.recorder.open(exampleDescription({ startedAt: clock.now() })),
        await away.recorder.open(exampleDescription({ startedAt: clock.now() })),
      ];
      await typist.append(output(Buffer.from('$ ')));
      await sendUntilTold(flood, randomBytes(8_000_000));
      let failure: Fault | undefined;
      void flood.failed.then((fault) => (failure = fault));
      await until(() => asked > 0);
      await turn();
      clock.advance(patienceMs - 100);
      await turn();
      assert.equal(failure, undefined);
      clock.advance(600);
      assert.equal((await flood.failed).code, 'RECORDER_FAILED');
      assert.equal(flood.backlog, undefined);
      await assert.rejects(flood.append(output(Buffer.from('more'))), (cause) => isFault(cause, 'RECORDER_FAILED'));
      await typist.append(output(Buffer.from('ls')));
      assert.equal(typist.backlog, undefined);
    }
  });
});

describe('a store that is slower than the targets', () => {
  it('makes each flood wait with its share of the room, nobody who types, and loses nothing', async () => {
    await using rig = await openRig();
    const gates: (() => void)[] = [];
    let isOpen = false;
    const slow = storeWith(rig.store, async (name, bytes) => {
      if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve));
      return rig.store.put(name, bytes);
    });
    const maxUnstoredBytes = 12_000_000;
    await using behind = await openRig({ store: slow, maxUnstoredBytes });
    const open = (): Promise<SessionRecorder> => behind.recorder.open(exampleDescription());
    const [typist, ...floods] = [await open(), await open(), await open(), await open()];
    const sent = floods.map(() => randomBytes(8_000_000));
    const share = maxUnstoredBytes / 2 / (floods.length + 1);
    let reached = floods.map(() => 0);
    // By turns, as targets of one network send.
    while (floods.some(({ backlog }) => backlog === undefined))
      reached = await Promise.all(
        floods.map((flood, index) => {
          const at = reached[index] ?? 0;
          return sendUntilTold(flood, (sent[index] ?? Buffer.alloc(0)).subarray(0, at + 20_000), at);
        }),
      );
    for (const at of reached) assert.ok(at > share * 0.8 && at < share * 1.3, `${at} of a share of ${share}`);
    assert.ok(behind.recorder.stats.unstoredBytes < maxUnstoredBytes / 2);
    for (let key = 0; key < 200; key++) {
      await typist.append(output(Buffer.from('x')));
      assert.equal(typist.backlog, undefined);
    }
    isOpen = true;
    for (const gate of gates) gate();
    const sessions = [typist, ...floods];
    const all = floods.map(async (flood, index) => {
      const bytes = sent[index] ?? Buffer.alloc(0);
      for (let at = reached[index] ?? 0; at < bytes.length; await flood.backlog)
        at = await sendUntilTold(flood, bytes, at);
    });
    await Promise.all(all);
    for (const session of sessions) assert.equal((await session.finish({ reason: 'closed' })).state, 'COMPLETE');
    await until(() => behind.recorder.stats.liveRecordings === 0);
    assert.equal(behind.recorder.stats.unstoredBytes, 0);
    const stored = openRecordingReader({ store: rig.store, keys: behind.keys, trust: behind.trust });
    for (const [index, flood] of floods.entries())
      assert.ok((await outputOf(stored, flood.id)).equals(sent[index] ?? Buffer.alloc(0)));
  });

  it('ends no session as long as it takes something', async () => {
    const clock = new ManualClock();
    await using rig = await openRig();
    const puts: (() => void)[] = [];
    const slow = storeWith(rig.store, async (name, bytes) => {
      await new Promise<void>((resolve) => puts.push(resolve));
      return rig.store.put(name, bytes);
    });
    await using behind = await openRig({ clock, store: slow, maxUnstoredBytes: 4_000_000 });
    const session = await behind.recorder.open(exampleDescription({ startedAt: clock.now() }));
    const sent = randomBytes(6_000_000);
    for (let at = 0; at < sent.length;) {
      at = await sendUntilTold(session, sent, at);
      const stored = behind.recorder.stats.storedChunks;
      await until(() => puts.length > 0);
      clock.advance(10_000);
      puts.shift()?.();
      await until(() => behind.recorder.stats.storedChunks > stored);
      await session.backlog;
    }
    const end = session.finish({ reason: 'closed' });
    await until(() => {
      puts.shift()?.();
      return behind.recorder.stats.liveRecordings === 0;
    });
    assert.equal((await end).state, 'COMPLETE');
  });
});
