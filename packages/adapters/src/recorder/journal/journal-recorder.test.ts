import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { isFault } from '@enchilada/core/fault';
import { chunkName, parseCheckpoint, parseChunk, recordingPrefix, verifyArchive } from '@enchilada/core/recording';
import type { ArchiveReport, RecordingEvent, RecordingStore } from '@enchilada/core/recording';
import { exampleDescription, ManualClock } from '@enchilada/core/testing/recorder-parts';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { until } from '@enchilada/core/testing/until';
import { verifyCrypto } from './index.ts';
import { openRig, outputOf } from './testing/recorder-rig.ts';
import type { RecorderRig } from './testing/recorder-rig.ts';

async function namesOf(store: RecordingStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(prefix)) names.push(name.slice(prefix.length + 1));
  return names;
}

function hexed(event: RecordingEvent): unknown {
  const hex = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, hex(value)]));
}

const output = (text: string): RecordingEvent => ({ kind: 'output', bytes: Buffer.from(text) });

describe('journal recorder', () => {
  it('keeps the bytes of recordings that share its memory apart, while that is used again and again', async () => {
    await using rig = await openRig();
    const sessions = await Promise.all(Array.from({ length: 5 }, () => rig.recorder.open(exampleDescription())));
    const sent = sessions.map(() => createHash('sha256'));
    for (let round = 0; round < 300; round++) {
      const written = sessions.map((session, index) => {
        // Some fill chunks, some only begin them; the last never fills one.
        const bytes = randomBytes(index === 4 ? 100 : 1 + ((round * 7_919 * (index + 1)) % 60_000));
        sent[index]?.update(bytes);
        return session.append({ kind: 'output', bytes });
      });
      if (round % 3 === 0) await Promise.all(written);
    }
    for (const [index, session] of sessions.entries()) {
      assert.equal((await session.finish({ reason: 'closed' })).state, 'COMPLETE');
      const read = createHash('sha256');
      for await (const { event } of rig.reader.events(session.id))
        if (event.kind === 'output') read.update(event.bytes);
      assert.equal(read.digest('hex'), sent[index]?.digest('hex'));
    }
  });

  it('gives back every event as it was appended, and verifies as complete', async () => {
    await using rig = await openRig();
    const session = await rig.recorder.open(exampleDescription());
    const sha256 = new Uint8Array(randomBytes(32));
    const events: RecordingEvent[] = [
      { kind: 'resize', columns: 120, rows: 40 },
      { kind: 'join', viewer: 'v1', user: 'ada', mode: 'control' },
      { kind: 'output', bytes: randomBytes(900_000) },
      { kind: 'input', bytes: Buffer.from('ls\r') },
      { kind: 'input-length', count: 12 },
      { kind: 'output', bytes: randomBytes(700_000) },
      { kind: 'file', name: 'a.txt', size: 5, sha256, direction: 'upload' },
      { kind: 'clipboard', size: 5, sha256, direction: 'download' },
      { kind: 'marker', text: 'moderation began' },
      { kind: 'output', bytes: new Uint8Array() },
    ];
    for (const event of events) await session.append(event);
    const summary = await session.finish({ reason: 'closed' });
    assert.deepEqual([summary.state, summary.stored, summary.outputBytes], ['COMPLETE', true, 1_600_000]);
    const read: RecordingEvent[] = [];
    for await (const { event, chunk } of rig.reader.events(session.id)) {
      assert.ok(chunk >= 1 && chunk <= summary.chunks);
      const last = read.at(-1);
      const goesOn = event.kind === 'output' && last?.kind === 'output' && event.bytes.length > 0;
      // Large outputs are cut at 256 KiB.
      if (goesOn) read[read.length - 1] = { ...event, bytes: Buffer.concat([last.bytes, event.bytes]) };
      else read.push(event);
    }
    assert.deepEqual(read.map(hexed), events.map(hexed));
    const report = await rig.reader.verify(session.id);
    assert.deepEqual([report.code, report.findings], [0, []]);
  });

  it('seals what was typed under a key of its own, which verifying needs not and events do not open', async () => {
    await using rig = await openRig();
    const policy = { strict: true, input: 'off', desktopInput: 'keys' } as const;
    const session = await rig.recorder.open(exampleDescription({ policy }));
    const strokes = [...'hunter2'].map((letter) => ({
      ...{ code: 'keysym' as const, value: letter.charCodeAt(0), isDown: true, agoMs: 0 },
    }));
    await session.append(output('********'));
    await session.sealKeys(0, strokes.slice(0, 3));
    await session.sealKeys(0, strokes.slice(3));
    await session.finish({ reason: 'closed' });
    const typed: string[] = [];
    for await (const { value } of rig.reader.keyStrokes(session.id)) typed.push(String.fromCharCode(value));
    assert.equal(typed.join(''), 'hunter2');
    const sealed: Uint8Array[] = [];
    for await (const { event } of rig.reader.events(session.id))
      if (event.kind === 'sealed-keys') sealed.push(event.bytes);
    assert.deepEqual(
      sealed.map(({ length }) => length),
      [464, 464],
      'the number of strokes does not show',
    );
    for (const bytes of sealed) assert.equal(Buffer.from(bytes).indexOf(Buffer.from([0, 0, 0, 0x75])), -1);
    assert.deepEqual((await rig.reader.verify(session.id)).findings, []);
    const other = await rig.recorder.open(exampleDescription());
    await assert.rejects(other.sealKeys(0, strokes), (cause) => isFault(cause, 'RECORDER_FAILED'));
    await other.finish({ reason: 'closed' });
  });

  it('resolves appends in the order they were made, across sessions and batches', async () => {
    await using rig = await openRig({ segmentBytes: 100_000 });
    const sessions = [await rig.recorder.open(exampleDescription()), await rig.recorder.open(exampleDescription())];
    const order: number[] = [];
    const appends: Promise<void>[] = [];
    for (let index = 0; index < 400; index++) {
      const bytes = randomBytes(index % 50 === 0 ? 600_000 : 500);
      appends.push(
        (sessions[index % 2]?.append({ kind: 'output', bytes }) ?? Promise.reject(new Error())).then(
          () => void order.push(index),
        ),
      );
      if (index % 60 === 0) await turn();
    }
    await Promise.all(appends);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    for (const session of sessions) assert.equal((await session.finish({ reason: 'closed' })).state, 'COMPLETE');
  });

  it('cuts a chunk at 5 s, ends an epoch at 60 s with a chunk, and makes nothing while nothing happens', async () => {
    const clock = new ManualClock();
    await using rig = await openRig({ clock });
    const description = exampleDescription({ startedAt: clock.now() });
    const session = await rig.recorder.open(description);
    const prefix = recordingPrefix(session.id, description.startedAt);
    const flags: number[] = [];
    for (let minute = 0; minute < 3; minute++) {
      for (let chunk = 0; chunk < 2; chunk++) {
        await session.append(output(`minute ${minute}`));
        clock.advance(4000);
        assert.equal((await namesOf(rig.store, prefix)).includes(chunkName(flags.length + 1)), false);
        clock.advance(2000);
        await until(async () => (await namesOf(rig.store, prefix)).includes(chunkName(flags.length + 1)));
        const parsed = parseChunk(
          (await rig.store.get(`${prefix}/${chunkName(flags.length + 1)}`, 1e6)) ?? new Uint8Array(),
        );
        assert.ok(typeof parsed !== 'string');
        flags.push(parsed.header.epoch);
        if (chunk === 0) clock.advance(120_000);
      }
    }
    assert.deepEqual(flags, [0, 0, 1, 1, 2, 2]);
    assert.equal((await session.finish({ reason: 'closed' })).chunks, 7);
    const report = await rig.reader.verify(session.id);
    assert.deepEqual([report.code, report.findings], [0, []]);
  });

  it('lets nobody append after the end, and answers a second finish like the first', async () => {
    await using rig = await openRig();
    const session = await rig.recorder.open(exampleDescription());
    await session.append(output('x'));
    const summary = await session.finish({ reason: 'closed' });
    assert.equal(await session.finish({ reason: 'other' }), summary);
    await assert.rejects(session.append(output('y')), (cause) => isFault(cause, 'RECORDER_FAILED'));
    assert.equal(rig.recorder.stats.liveRecordings, 0);
  });

  it('says GAPPED where a gap was recorded, and takes a session in which nothing happened', async () => {
    await using rig = await openRig();
    const [gapped, empty] = [
      await rig.recorder.open(exampleDescription()),
      await rig.recorder.open(exampleDescription()),
    ];
    await gapped.append({ kind: 'gap', reason: 'the store was away', bytes: 5 });
    assert.equal((await gapped.finish({ reason: 'closed' })).state, 'GAPPED');
    assert.equal((await rig.reader.verify(gapped.id)).code, 10);
    assert.equal((await empty.finish({ reason: 'closed' })).chunks, 1);
    assert.equal((await rig.reader.verify(empty.id)).code, 0);
    assert.equal((await outputOf(rig.reader, empty.id)).length, 0);
  });

  it('starts a seek at any chunk, with times that go on', async () => {
    await using rig = await openRig();
    const session = await rig.recorder.open(exampleDescription());
    for (let index = 0; index < 12; index++) await session.append({ kind: 'output', bytes: randomBytes(250_000) });
    await session.finish({ reason: 'closed' });
    const { chunkTimesUs, chunks } = await rig.reader.describe(session.id);
    assert.equal(chunkTimesUs.length, chunks);
    for (let from = 1; from <= chunks; from++) {
      for await (const { chunk, atUs } of rig.reader.events(session.id, { fromChunk: from })) {
        assert.deepEqual([chunk, atUs], [from, chunkTimesUs[from - 1]]);
        break;
      }
    }
  });

  it('plays and lists a recording that is still live', async () => {
    const clock = new ManualClock();
    await using rig = await openRig({ clock });
    const session = await rig.recorder.open(exampleDescription({ startedAt: clock.now() }));
    await session.append(output('so far'));
    clock.advance(6000);
    await until(() => rig.recorder.stats.unstoredBytes === 0);
    assert.equal((await rig.reader.describe(session.id)).state, 'LIVE');
    assert.equal((await outputOf(rig.reader, session.id)).toString(), 'so far');
    assert.equal((await rig.reader.verify(session.id)).code, 10);
  });

  it('hands out sealed objects in which no recorded text is found, and nothing readable by others', async () => {
    await using rig = await openRig();
    const session = await rig.recorder.open(exampleDescription());
    for (let index = 0; index < 50; index++) await session.append(output('the canary sings '));
    await session.finish({ reason: 'closed' });
    const names: string[] = [];
    for await (const { name, bytes } of rig.reader.objects(session.id)) {
      names.push(name.slice(name.lastIndexOf('/') + 1));
      assert.equal(Buffer.from(bytes).includes('canary'), false, name);
    }
    assert.deepEqual(names, ['00000001.brc', 'head.json', 'manifest.json']);
    for (const entry of await readdir(rig.directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) assert.equal((await readFile(path)).includes('canary'), false, path);
      assert.equal((await stat(path)).mode & 0o077, 0, path);
    }
  });

  it('removes journal segments once their chunks are stored', async () => {
    await using rig = await openRig({ segmentBytes: 200_000 });
    const session = await rig.recorder.open(exampleDescription());
    const idle = await rig.recorder.open(exampleDescription());
    for (let index = 0; index < 40; index++) await session.append({ kind: 'output', bytes: randomBytes(100_000) });
    await session.finish({ reason: 'closed' });
    const segments = async (): Promise<number> =>
      (await readdir(join(rig.directory, 'journal'))).filter((name) => name.startsWith('journal-')).length;
    await until(async () => (await segments()) === 1);
    await idle.append(output('still here'));
    await idle.finish({ reason: 'closed' });
    assert.equal((await outputOf(rig.reader, idle.id)).toString(), 'still here');
  });

  it('keeps a second process, or a second recorder of this one, out of its folder', async () => {
    await using rig = await openRig();
    await assert.rejects(openRig({ directory: rig.directory }), (cause) => isFault(cause, 'RECORDER_FAILED'));
  });

  it('refuses to open below the free space that must be left', async () => {
    await using rig = await openRig({ minFreeBytes: 1 });
    await rig.recorder.open(exampleDescription());
    await using full = await openRig({ minFreeBytes: Number.MAX_SAFE_INTEGER });
    await assert.rejects(full.recorder.open(exampleDescription()), (cause) => isFault(cause, 'RECORDING_STORE_FULL'));
  });

  it('tells recordings that ended on earlier days to leave, and only those', async () => {
    await using rig = await openRig();
    const yesterday = Date.now() - 86_400_000;
    const old = await rig.recorder.open(exampleDescription({ startedAt: yesterday }));
    const live = await rig.recorder.open(exampleDescription({ startedAt: yesterday }));
    await old.finish({ reason: 'closed' });
    assert.deepEqual(await rig.store.retire(Date.now()), [old.id]);
    await assert.rejects(rig.reader.describe(old.id), (cause) => isFault(cause, 'RECORDING_NOT_FOUND'));
    assert.equal((await rig.reader.describe(live.id)).state, 'LIVE');
  });
});

async function verifyWithCheckpoints(rig: RecorderRig): Promise<ArchiveReport> {
  async function* recordings() {
    for await (const { name } of rig.store.list('rec/v1')) {
      if (!name.endsWith('/head.json')) continue;
      const prefix = name.slice(0, -'/head.json'.length);
      const objects = [];
      for await (const object of rig.store.list(prefix))
        objects.push({ ...object, name: object.name.slice(prefix.length + 1) });
      const read = async (file: string): Promise<Uint8Array> =>
        (await rig.store.get(`${prefix}/${file}`, 1e8)) ?? new Uint8Array();
      yield { id: prefix.slice(-26), objects, read };
    }
  }
  async function* checkpoints() {
    for await (const { name } of rig.store.list('chk/v1'))
      yield { name, bytes: (await rig.store.get(name, 1e8)) ?? new Uint8Array() };
  }
  const source = { recordings, checkpoints, audit: undefined };
  return verifyArchive(source, { crypto: verifyCrypto, trust: rig.trust, onReport: () => undefined });
}

describe('checkpoints', () => {
  it('are written each minute while something changes, chained across restarts, and agree with the recordings', async () => {
    const clock = new ManualClock();
    const directory = temporaryFolder('checkpoints');
    const count = async (rig: RecorderRig): Promise<number> => (await namesOf(rig.store, 'chk/v1')).length;
    let written = 0;
    for (let boot = 0; boot < 2; boot++) {
      await using rig = await openRig({ clock, directory });
      await rig.recorder.recover();
      const session = await rig.recorder.open(exampleDescription({ startedAt: clock.now() }));
      for (let minute = 0; minute < 3; minute++) {
        await session.append(output(`minute ${minute}`));
        clock.advance(6000);
        await until(() => rig.recorder.stats.unstoredBytes === 0);
        clock.advance(54_000);
        written++;
        await until(async () => (await count(rig)) === written);
      }
      if (boot === 0) await session.finish({ reason: 'closed' });
      clock.advance(60_000);
      if (boot === 0) written++;
      await until(async () => (await count(rig)) === written);
      clock.advance(180_000);
      await turn();
      assert.equal(await count(rig), written);
      assert.deepEqual(rig.reports, []);
      assert.equal((await verifyWithCheckpoints(rig)).code, boot === 0 ? 0 : 10);
      for await (const { name } of rig.store.list('chk/v1')) {
        const parsed = parseCheckpoint((await rig.store.get(name, 1e6)) ?? new Uint8Array());
        assert.equal(parsed?.checkpoint.entries.length, 1);
      }
    }
  });

  it('begin no new chain where the head of the old one cannot be read', async () => {
    const clock = new ManualClock();
    const directory = temporaryFolder('checkpoints');
    {
      await using rig = await openRig({ clock, directory });
      const session = await rig.recorder.open(exampleDescription({ startedAt: clock.now() }));
      clock.advance(60_000);
      await until(async () => (await namesOf(rig.store, 'chk/v1')).length === 1);
      await session.finish({ reason: 'closed' });
    }
    const [head = ''] = (await readdir(directory, { recursive: true })).filter((name) =>
      /(?:^|\/)checkpoint$/u.test(name),
    );
    await rm(join(directory, head));
    await mkdir(join(directory, head));
    await assert.rejects(
      openRig({ clock, directory }),
      (error) => isFault(error, 'RECORDER_FAILED') && /head of the checkpoints.*cannot be read/u.test(error.message),
    );
  });
});
