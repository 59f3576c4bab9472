import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  CHUNKS,
  altered,
  expectCode,
  fileOf,
  other,
  verifyOptions,
  whole,
} from '@enchilada/core/testing/altered-recordings';
import { RecordingFixture } from '@enchilada/core/testing/recording-fixture';
import { utf8 } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import type { JsonObject } from './canonical-json.ts';
import { chunkName, HEAD_NAME, MANIFEST_NAME } from './layout.ts';
import { verifyArchive } from './verify-archive.ts';
import type { VerifyReport } from './verify-report.ts';

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
  const summary = await verifyArchive(source, { ...verifyOptions, onReport: (report) => reports.push(report) });
  return { code: summary.code, reports };
}

function auditRow(sequence: number, previous: string, fields: JsonObject): string {
  const rest = { node: 'node-1', sequence, at: whole.description.startedAt + sequence, ...fields };
  const rowHash = hash('sha256', Buffer.concat([Buffer.from(previous, 'hex'), utf8(canonicalJson(rest))]), 'hex');
  return canonicalJson({ ...rest, previous, hash: rowHash });
}

const opened = auditRow(1, '0'.repeat(64), { action: 'session.opened', recordingId: whole.id });
const ended = auditRow(2, (JSON.parse(opened) as { hash: string }).hash, {
  action: 'session.ended',
  recordingId: whole.id,
});
const audit = [opened, ended];
const checkpoints = [await whole.checkpoint(3)];
checkpoints.push(await whole.checkpoint(9, { previous: hash('sha256', checkpoints[0]?.bytes ?? '', 'buffer') }));
describe('what an auditor holds beside a recording', () => {
  it('agrees with a whole one', async () => {
    assert.equal((await verifyAll({ recordings: [whole, other], checkpoints, audit })).code, 0);
  });

  it('shows a forged name of the person in manifest and head', async () => {
    const description = { ...whole.description, user: { ...whole.description.user, name: 'eve' } };
    for (const name of [HEAD_NAME, MANIFEST_NAME]) {
      const text = Buffer.from(fileOf(whole, name)).toString().replace('"name":"ada"', '"name":"eve"');
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

  it('shows a retention shorter than the audit log promises: in the head, and by when the recording was removed', async () => {
    const { startedAt, retainUntil = 0 } = whole.description;
    const promised = (until: number): string =>
      auditRow(1, '0'.repeat(64), {
        action: 'session.opened',
        recordingId: whole.id,
        detail: { retainUntil: until },
      });
    const retired = (at: number): string =>
      auditRow(7, '0'.repeat(64), { action: 'recording.retired', recordingId: whole.id, at });
    assert.equal((await verifyAll({ recordings: [whole], audit: [promised(retainUntil)] })).code, 0);
    assert.equal((await verifyAll({ recordings: [whole], audit: [promised(retainUntil + 1)] })).code, 30);
    const removed = (at: number) =>
      verifyAll({ recordings: [other], checkpoints, audit: [promised(retainUntil), retired(at)] });
    assert.equal((await removed(retainUntil)).code, 0);
    assert.equal((await removed(retainUntil - 1)).code, 30);
    assert.equal((await removed(startedAt)).code, 30);
  });

  it('goes on where the audit log promises a time that is no date', async () => {
    const row = (sequence: number, action: string, recordingId: string): string =>
      auditRow(sequence, '0'.repeat(64), { action, recordingId, detail: { retainUntil: Number.MAX_SAFE_INTEGER } });
    const promises = [row(1, 'session.opened', whole.id), row(3, 'session.opened', other.id)];
    const { code, reports } = await verifyAll({
      recordings: [whole],
      audit: [...promises, row(5, 'recording.retired', other.id)],
    });
    assert.equal(code, 30);
    assert.deepEqual(
      reports.map((report) => report.code),
      [30],
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

  it('does not miss a recording that never began, nor the manifest of one whose node was lost', async () => {
    const opening = auditRow(1, '0'.repeat(64), { action: 'session.opened', recordingId: other.id });
    assert.equal((await verifyAll({ recordings: [], audit: [opening] })).code, 24);
    const failing = auditRow(3, '0'.repeat(64), { action: 'session.failed', recordingId: other.id });
    assert.equal((await verifyAll({ recordings: [], audit: [opening, failing] })).code, 0);
    const ending = auditRow(5, '0'.repeat(64), { action: 'session.ended', recordingId: other.id });
    assert.equal((await verifyAll({ recordings: [], audit: [opening, failing, ending] })).code, 24);
    const lost = auditRow(3, '0'.repeat(64), { action: 'session.ended', recordingId: other.id, reason: 'node-lost' });
    assert.equal((await verifyAll({ recordings: [], audit: [opening, lost] })).code, 24);
  });
});
