import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Fault, isFault } from '@enchilada/core/fault';
import type { RecordingStore } from '@enchilada/core/recording';
import { exampleDescription, ManualClock } from '@enchilada/core/testing/recorder-parts';
import type { OpenSegment, SegmentFile } from './journal.ts';
import { openRig, outputOf } from './testing/recorder-rig.ts';

const output = (bytes: Uint8Array) => ({ kind: 'output' as const, bytes });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

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
    assert.ok(isFault(rejection, 'RECORDING_STORE_FULL'), String(rejection));
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
    let stalled = false;
    const release = Promise.withResolvers<never>();
    const openSegment = broken((real) => ({
      writev: ((buffers: Buffer[]) => (stalled ? release.promise : real.writev(buffers))) as SegmentFile['writev'],
    }));
    await using rig = await openRig({ clock, openSegment });
    const session = await rig.recorder.open(exampleDescription({ startedAt: clock.now() }));
    stalled = true;
    const append = session.append(output(Buffer.from('x')));
    await turn();
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

describe('a store that is away', () => {
  it('is tried again until it takes every chunk, once each', async () => {
    const clock = new ManualClock();
    await using rig = await openRig();
    let [refusals, lostReplies] = [0, 0];
    const flaky: RecordingStore = {
      ...{
        get: rig.store.get.bind(rig.store),
        list: rig.store.list.bind(rig.store),
        locate: rig.store.locate.bind(rig.store),
      },
      ...{ freeBytes: rig.store.freeBytes.bind(rig.store), retire: rig.store.retire.bind(rig.store) },
      async put(name, bytes) {
        if (!name.endsWith('head.json') && refusals++ % 3 !== 2) throw new Fault('RECORDER_FAILED', 'away');
        const outcome = await rig.store.put(name, bytes);
        if (lostReplies++ % 4 === 3) throw new Fault('RECORDER_FAILED', 'stored, but the reply is lost');
        return outcome;
      },
    };
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

  it('ends sessions once more waits for it than may, rather than filling the memory', async () => {
    await using rig = await openRig();
    const dead: RecordingStore = {
      ...{
        get: rig.store.get.bind(rig.store),
        list: rig.store.list.bind(rig.store),
        locate: rig.store.locate.bind(rig.store),
      },
      ...{ freeBytes: rig.store.freeBytes.bind(rig.store), retire: rig.store.retire.bind(rig.store) },
      put: (name, bytes) =>
        name.endsWith('head.json') ? rig.store.put(name, bytes) : Promise.reject(new Fault('RECORDER_FAILED', 'away')),
    };
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
});
