import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  clusterSigner,
  nodeVerifyCrypto,
  RecordingFixture,
  SeededRandom,
  signingKey,
} from '@enchilada/core/testing/recording-fixture';
import { utf8 } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import type { JsonObject } from './canonical-json.ts';
import { parseChunk } from './chunk.ts';
import { chunkName, HEAD_NAME, MANIFEST_NAME } from './layout.ts';
import { verifyArchive } from './verify-archive.ts';
import type { VerifyCrypto } from './verify-documents.ts';
import { verifyRecording } from './verify-recording.ts';
import type { VerifyReport } from './verify-report.ts';

const CHUNKS = 12;
const whole = await RecordingFixture.build({ seed: 'whole', epochs: [4, 4, 4] });
const other = await RecordingFixture.build({ seed: 'other', epochs: [4, 4, 4], signer: whole.signer });
/** The same signature is asked about thousands of times: each is verified once. */
const known = new Map<string, boolean>();
const crypto: VerifyCrypto = {
  sha256: nodeVerifyCrypto.sha256,
  verifyEd25519(...question) {
    const key = Buffer.concat(question).toString('latin1');
    const answer = known.get(key) ?? nodeVerifyCrypto.verifyEd25519(...question);
    known.set(key, answer);
    return answer;
  },
};
const options = { crypto, trust: whole.trust };

const verify = (fixture: RecordingFixture): Promise<VerifyReport> => verifyRecording(fixture.source, options);

function altered(change: (copy: RecordingFixture) => void): RecordingFixture {
  const copy = whole.copy();
  change(copy);
  return copy;
}

function file(fixture: RecordingFixture, name: string): Uint8Array {
  const bytes = fixture.files.get(name);
  assert.ok(bytes, name);
  return bytes;
}

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
}

async function expectCode(fixture: RecordingFixture, code: number, what: string): Promise<VerifyReport> {
  const report = await verify(fixture);
  assert.equal(report.code, code, `${what}: ${JSON.stringify(report.findings)}`);
  return report;
}

function namesChunk(report: VerifyReport, seq: number): boolean {
  return report.findings.some(({ chunks }) => chunks !== undefined && chunks[0] <= seq && seq <= chunks[1]);
}

/** All evidence an auditor may hold beside the recordings. */
interface Evidence {
  readonly recordings: readonly RecordingFixture[];
  readonly checkpoints?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly audit?: readonly string[];
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

async function verifyAll(evidence: Evidence): Promise<{ code: number; reports: VerifyReport[] }> {
  const reports: VerifyReport[] = [];
  const { checkpoints, audit } = evidence;
  const source = {
    recordings: () => each(evidence.recordings.map(({ source: recording }) => recording)),
    checkpoints: checkpoints && (() => each(checkpoints)),
    audit: audit && (() => each(audit)),
  };
  const summary = await verifyArchive(source, { ...options, onReport: (report) => reports.push(report) });
  return { code: summary.code, reports };
}

function auditRow(sequence: number, previous: string, fields: JsonObject): string {
  const rest = { node: 'node-1', sequence, at: whole.description.startedAt + sequence, ...fields };
  const rowHash = hash('sha256', Buffer.concat([Buffer.from(previous, 'hex'), utf8(canonicalJson(rest))]), 'hex');
  return canonicalJson({ ...rest, previous, hash: rowHash });
}

const opened = auditRow(1, '0'.repeat(64), { action: 'session.opened', recordingId: whole.id });
const ended = auditRow(2, String((JSON.parse(opened) as JsonObject)['hash']), {
  action: 'session.ended',
  recordingId: whole.id,
});
const audit = [opened, ended];
const checkpoints = [await whole.checkpoint(3)];
checkpoints.push(await whole.checkpoint(9, { previous: hash('sha256', checkpoints[0]?.bytes ?? '', 'buffer') }));

describe('a recording of 12 chunks in 3 epochs', () => {
  it('verifies as complete, alone and against checkpoints and audit log', async () => {
    const report = await expectCode(whole, 0, 'whole');
    assert.deepEqual(report.findings, []);
    assert.equal(report.chunks, CHUNKS);
    assert.equal((await verifyAll({ recordings: [whole, other], checkpoints, audit })).code, 0);
  });

  it('shows every flipped header bit as altered content of that chunk', async () => {
    // The first chunk, the last of an epoch with its longer header, the first of the next epoch, the final one.
    for (const seq of [1, 4, 5, CHUNKS]) {
      const chunk = parseChunk(file(whole, chunkName(seq)));
      assert.ok(typeof chunk !== 'string');
      for (let bit = 0; bit < 8 * chunk.headerBytes.length; bit++) {
        const report = await expectCode(
          altered((copy) => {
            flip(file(copy, chunkName(seq)), bit);
          }),
          20,
          `chunk ${seq} bit ${bit}`,
        );
        assert.deepEqual(
          report.findings.map(({ chunks }) => chunks),
          [[seq, seq]],
        );
      }
    }
  });

  it('shows 2,000 flipped bits in bodies, at random, as altered content of that chunk', async () => {
    const random = new SeededRandom('bits');
    for (let round = 0; round < 2000; round++) {
      const seq = 1 + random.below(CHUNKS);
      const bytes = file(whole, chunkName(seq));
      const chunk = parseChunk(bytes);
      assert.ok(typeof chunk !== 'string');
      const from = 8 * chunk.headerBytes.length;
      const bit = from + random.below(8 * (bytes.length - 64) - from);
      const report = await expectCode(
        altered((copy) => {
          flip(file(copy, chunkName(seq)), bit);
        }),
        20,
        `chunk ${seq} bit ${bit}`,
      );
      assert.deepEqual(
        report.findings.map(({ chunks }) => chunks),
        [[seq, seq]],
      );
    }
  });

  it('shows every flipped signature bit as a wrong signer', async () => {
    for (let bit = 0; bit < 8 * 64; bit++) {
      const bytes = file(whole, chunkName(6));
      await expectCode(
        altered((copy) => {
          flip(file(copy, chunkName(6)), 8 * (bytes.length - 64) + bit);
        }),
        22,
        `bit ${bit}`,
      );
    }
  });

  it('shows every dropped, duplicated and swapped chunk', async () => {
    for (let seq = 1; seq <= CHUNKS; seq++) {
      const dropped = await expectCode(
        altered((copy) => copy.files.delete(chunkName(seq))),
        21,
        `drop ${seq}`,
      );
      assert.ok(namesChunk(dropped, seq));
      const appended = altered((copy) => copy.files.set(chunkName(CHUNKS + 1), file(copy, chunkName(seq))));
      assert.ok(namesChunk(await expectCode(appended, 21, `append ${seq}`), CHUNKS + 1));
      await expectCode(
        altered((copy) => copy.files.set(`copy of ${chunkName(seq)}`, file(copy, chunkName(seq)))),
        21,
        `copy ${seq}`,
      );
      for (let with_ = 1; with_ <= CHUNKS; with_++) {
        if (with_ === seq) continue;
        const overwritten = altered((copy) => copy.files.set(chunkName(with_), file(whole, chunkName(seq))));
        assert.ok(namesChunk(await expectCode(overwritten, 21, `${seq} over ${with_}`), with_));
        const swapped = overwritten.copy();
        for (const [name, bytes] of overwritten.files) swapped.files.set(name, bytes);
        swapped.files.set(chunkName(seq), file(whole, chunkName(with_)));
        const report = await expectCode(swapped, 21, `swap ${seq} ${with_}`);
        assert.ok(namesChunk(report, seq) && namesChunk(report, with_));
      }
    }
  });

  it('shows every chunk spliced in from another session of the same person', async () => {
    for (let seq = 1; seq <= CHUNKS; seq++) {
      const report = await expectCode(
        altered((copy) => copy.files.set(chunkName(seq), file(other, chunkName(seq)))),
        20,
        `splice ${seq}`,
      );
      assert.ok(namesChunk(report, seq));
    }
    await expectCode(
      altered((copy) => copy.files.set(MANIFEST_NAME, file(other, MANIFEST_NAME))),
      25,
      'splice manifest',
    );
    await expectCode(
      altered((copy) => copy.files.set(HEAD_NAME, file(other, HEAD_NAME))),
      25,
      'splice head',
    );
  });

  it('shows a cut after every chunk, and at every byte of the last one', async () => {
    for (let seq = 1; seq <= CHUNKS; seq++) {
      const cut = altered((copy) => {
        for (let gone = seq; gone <= CHUNKS; gone++) copy.files.delete(chunkName(gone));
      });
      const report = await expectCode(cut, 21, `cut at ${seq}`);
      assert.deepEqual(report.findings[0]?.chunks, [seq, CHUNKS]);
    }
    const last = file(whole, chunkName(CHUNKS));
    for (let length = 0; length < last.length; length++) {
      await expectCode(
        altered((copy) => copy.files.set(chunkName(CHUNKS), last.subarray(0, length))),
        20,
        `${length} bytes`,
      );
    }
    for (const name of [HEAD_NAME, MANIFEST_NAME]) {
      const bytes = file(whole, name);
      for (let length = 0; length < bytes.length; length += 5)
        await expectCode(
          altered((copy) => copy.files.set(name, bytes.subarray(0, length))),
          25,
          `${name} ${length}`,
        );
    }
  });

  it('shows that everything was signed again with a self-made key', async () => {
    const random = new SeededRandom('attacker');
    const forged = await RecordingFixture.build({ seed: 'whole', epochs: [4, 4, 4], signer: clusterSigner(random) });
    const report = await expectCode(forged, 22, 'self-made cluster key');
    assert.equal(forged.id, whole.id);
    assert.match(JSON.stringify(report.findings), /trust file does not know/);
    // The same under the name of the trusted key.
    const named = await RecordingFixture.build({
      seed: 'whole',
      epochs: [4, 4, 4],
      signer: { ...clusterSigner(random), keyId: whole.signer.keyId },
    });
    await expectCode(named, 25, 'self-made key under a trusted name');
    const chunkOnly = altered((copy) => {
      for (let seq = 1; seq <= CHUNKS; seq++) copy.resign(seq, signingKey(random));
    });
    await expectCode(chunkOnly, 22, 'self-made epoch keys');
    const manifest = whole.copy();
    await manifest.writeManifest({ signer: clusterSigner(random) });
    await expectCode(manifest, 22, 'manifest by a self-made cluster key');
    await manifest.writeManifest({ epochKey: signingKey(random) });
    await expectCode(manifest, 22, 'manifest by a self-made epoch key');
  });

  it('shows that chunks of the first epoch were signed with a later key, altered or not', async () => {
    const third = whole.epochKeys[2];
    assert.ok(third);
    for (const keep of ['manifest', 'no manifest']) {
      for (let seq = 1; seq <= 4; seq++) {
        const resigned = altered((copy) => {
          copy.resign(seq, third);
          if (keep !== 'manifest') copy.files.delete(MANIFEST_NAME);
        });
        const report = await verify(resigned);
        assert.equal(report.code, 22, `chunk ${seq}, ${keep}: ${JSON.stringify(report.findings)}`);
        assert.ok(namesChunk(report, seq));
        const content = altered((copy) => {
          flip(file(copy, chunkName(seq)), 8 * 140);
          copy.resign(seq, third);
        });
        assert.ok(namesChunk(await expectCode(content, 22, `altered chunk ${seq}`), seq));
      }
    }
  });

  it('shows a forged name of the person in manifest and head', async () => {
    const description = { ...whole.description, user: { ...whole.description.user, name: 'eve' } };
    for (const name of [HEAD_NAME, MANIFEST_NAME]) {
      const text = Buffer.from(file(whole, name)).toString().replace('"name":"ada"', '"name":"eve"');
      await expectCode(
        altered((copy) => copy.files.set(name, Buffer.from(text))),
        25,
        name,
      );
    }
    const signed = whole.copy();
    await signed.writeManifest({ description });
    await expectCode(signed, 25, 'manifest that differs from head.json, signed by the right keys');
  });

  it('shows a removed end against a checkpoint or the audit log, and says incomplete without either', async () => {
    for (let seq = 1; seq <= CHUNKS; seq++) {
      const cut = altered((copy) => {
        copy.files.delete(MANIFEST_NAME);
        for (let gone = seq; gone <= CHUNKS; gone++) copy.files.delete(chunkName(gone));
      });
      await expectCode(cut, 10, `end from ${seq}`);
      assert.equal((await verifyAll({ recordings: [cut], checkpoints })).code, seq <= 9 ? 23 : 10);
      assert.equal((await verifyAll({ recordings: [cut], audit })).code, 24);
    }
  });

  it('shows a recording that was removed as a whole', async () => {
    assert.equal((await verifyAll({ recordings: [other], audit })).code, 24);
    assert.equal((await verifyAll({ recordings: [other], checkpoints })).code, 23);
    assert.equal(
      (
        await verifyAll({
          recordings: [other],
          checkpoints,
          audit: [...audit, '{"action":"recording.retired","recordingId":"' + whole.id + '"}'],
        })
      ).code,
      0,
    );
  });

  it('shows an altered, forged or removed checkpoint', async () => {
    const [first, second] = checkpoints;
    assert.ok(first && second);
    const text = Buffer.from(second.bytes).toString();
    const edited = { ...second, bytes: Buffer.from(text.replace('"seq":9', '"seq":2')) };
    assert.equal((await verifyAll({ recordings: [whole], checkpoints: [first, edited] })).code, 25);
    const unsorted = { ...second, bytes: Buffer.from(` ${text}`) };
    assert.equal((await verifyAll({ recordings: [whole], checkpoints: [first, unsorted] })).code, 25);
    const stranger = await RecordingFixture.build({ seed: 'stranger', epochs: [1] });
    assert.equal((await verifyAll({ recordings: [whole], checkpoints: [await stranger.checkpoint(1)] })).code, 22);
    const third = await whole.checkpoint(11, { previous: hash('sha256', second.bytes, 'buffer') });
    assert.equal((await verifyAll({ recordings: [whole], checkpoints: [first, third] })).code, 21);
    assert.equal((await verifyAll({ recordings: [whole], checkpoints: [first, second, third] })).code, 0);
  });

  it('shows a chunk that differs from what a checkpoint saw, even where all keys were used again', async () => {
    const rewritten = await RecordingFixture.build({ seed: 'whole', epochs: [4, 4, 4], eventsPerChunk: 3 });
    assert.equal(rewritten.id, whole.id);
    await expectCode(rewritten, 0, 'rewritten by somebody with all keys');
    assert.equal((await verifyAll({ recordings: [rewritten], checkpoints })).code, 20);
  });

  it('shows an edited audit row', async () => {
    for (const edited of [
      opened.replace(whole.id, other.id),
      opened.replace('"sequence":1', '"sequence":3'),
      opened.slice(1),
    ]) {
      assert.equal((await verifyAll({ recordings: [whole], audit: [edited, ended] })).code, 25);
    }
    const bound = await RecordingFixture.build({
      seed: 'bound',
      epochs: [2],
      signer: whole.signer,
      description: { auditHash: 'ab'.repeat(32) },
    });
    const row = auditRow(1, '0'.repeat(64), { action: 'session.opened', recordingId: bound.id });
    assert.equal((await verifyAll({ recordings: [bound], audit: [row] })).code, 25);
  });

  it('finds damage without a manifest as well, and names the chunk', async () => {
    const live = altered((copy) => copy.files.delete(MANIFEST_NAME));
    await expectCode(live, 10, 'live');
    for (let seq = 1; seq < CHUNKS; seq++) {
      const flipped = live.copy();
      flipped.files.delete(MANIFEST_NAME);
      flip(file(flipped, chunkName(seq)), 8 * 150);
      const report = await verify(flipped);
      assert.ok(
        [20, 22].includes(report.code) && namesChunk(report, seq),
        `flip ${seq}: ${JSON.stringify(report.findings)}`,
      );
      const dropped = live.copy();
      dropped.files.delete(MANIFEST_NAME);
      dropped.files.delete(chunkName(seq));
      const gap = await verify(dropped);
      assert.ok([21, 22].includes(gap.code) && namesChunk(gap, seq), `drop ${seq}: ${JSON.stringify(gap.findings)}`);
      const duplicate = live.copy();
      duplicate.files.delete(MANIFEST_NAME);
      duplicate.files.set(chunkName(seq + 1), file(whole, chunkName(seq)));
      const twice = await verify(duplicate);
      assert.ok(
        [21, 22].includes(twice.code) && namesChunk(twice, seq + 1),
        `duplicate ${seq}: ${JSON.stringify(twice.findings)}`,
      );
    }
  });

  it('says unsupported for a head of a later version', async () => {
    const text = Buffer.from(file(whole, HEAD_NAME)).toString().replace('"version":1', '"version":2');
    await expectCode(
      altered((copy) => copy.files.set(HEAD_NAME, Buffer.from(text))),
      40,
      'version 2',
    );
  });

  it('raises no alarm on random valid recordings', async () => {
    const random = new SeededRandom('valid');
    for (let round = 0; round < 1000; round++) {
      const epochs = Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(3));
      const state = (['COMPLETE', 'GAPPED', 'INCOMPLETE'] as const)[random.below(3)] ?? 'COMPLETE';
      const fixture = await RecordingFixture.build({ seed: `valid-${round}`, epochs, state });
      const report = await verifyRecording(fixture.source, { crypto: nodeVerifyCrypto, trust: fixture.trust });
      assert.equal(report.code, state === 'COMPLETE' ? 0 : 10, `round ${round}: ${JSON.stringify(report.findings)}`);
    }
  });
});
