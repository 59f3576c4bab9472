import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CHUNKS,
  altered,
  expectCode,
  fileOf,
  flip,
  namesChunk,
  other,
  verify,
  verifyOptions,
  whole,
} from '@enchilada/core/testing/altered-recordings';
import { clusterSigner, RecordingFixture, SeededRandom, signingKey } from '@enchilada/core/testing/recording-fixture';
import { parseChunk } from './chunk.ts';
import { chunkName, HEAD_NAME, MANIFEST_NAME } from './layout.ts';
import { verifyRecording } from './verify-recording.ts';

describe('a recording of 12 chunks in 3 epochs', () => {
  it('verifies as complete', async () => {
    const report = await expectCode(whole, 0, 'whole');
    assert.deepEqual(report.findings, []);
    assert.equal(report.chunks, CHUNKS);
  });

  it('shows every flipped header bit as altered content of that chunk', async () => {
    // The first chunk, the last of an epoch with its longer header, the first of the next epoch, the final one.
    for (const seq of [1, 4, 5, CHUNKS]) {
      const chunk = parseChunk(fileOf(whole, chunkName(seq)));
      assert.ok(typeof chunk !== 'string');
      for (let bit = 0; bit < 8 * chunk.headerBytes.length; bit++) {
        const report = await expectCode(
          altered((copy) => {
            flip(fileOf(copy, chunkName(seq)), bit);
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
      const bytes = fileOf(whole, chunkName(seq));
      const chunk = parseChunk(bytes);
      assert.ok(typeof chunk !== 'string');
      const from = 8 * chunk.headerBytes.length;
      const bit = from + random.below(8 * (bytes.length - 64) - from);
      const report = await expectCode(
        altered((copy) => {
          flip(fileOf(copy, chunkName(seq)), bit);
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
      const bytes = fileOf(whole, chunkName(6));
      await expectCode(
        altered((copy) => {
          flip(fileOf(copy, chunkName(6)), 8 * (bytes.length - 64) + bit);
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
      const appended = altered((copy) => copy.files.set(chunkName(CHUNKS + 1), fileOf(copy, chunkName(seq))));
      assert.ok(namesChunk(await expectCode(appended, 21, `append ${seq}`), CHUNKS + 1));
      await expectCode(
        altered((copy) => copy.files.set(`copy of ${chunkName(seq)}`, fileOf(copy, chunkName(seq)))),
        21,
        `copy ${seq}`,
      );
      for (let with_ = 1; with_ <= CHUNKS; with_++) {
        if (with_ === seq) continue;
        const overwritten = altered((copy) => copy.files.set(chunkName(with_), fileOf(whole, chunkName(seq))));
        assert.ok(namesChunk(await expectCode(overwritten, 21, `${seq} over ${with_}`), with_));
        const swapped = overwritten.copy();
        for (const [name, bytes] of overwritten.files) swapped.files.set(name, bytes);
        swapped.files.set(chunkName(seq), fileOf(whole, chunkName(with_)));
        const report = await expectCode(swapped, 21, `swap ${seq} ${with_}`);
        assert.ok(namesChunk(report, seq) && namesChunk(report, with_));
      }
    }
  });

  it('shows every chunk spliced in from another session of the same person', async () => {
    for (let seq = 1; seq <= CHUNKS; seq++) {
      const report = await expectCode(
        altered((copy) => copy.files.set(chunkName(seq), fileOf(other, chunkName(seq)))),
        20,
        `splice ${seq}`,
      );
      assert.ok(namesChunk(report, seq));
    }
    await expectCode(
      altered((copy) => copy.files.set(MANIFEST_NAME, fileOf(other, MANIFEST_NAME))),
      25,
      'splice manifest',
    );
    await expectCode(
      altered((copy) => copy.files.set(HEAD_NAME, fileOf(other, HEAD_NAME))),
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
    const last = fileOf(whole, chunkName(CHUNKS));
    for (let length = 0; length < last.length; length++) {
      await expectCode(
        altered((copy) => copy.files.set(chunkName(CHUNKS), last.subarray(0, length))),
        20,
        `${length} bytes`,
      );
    }
    for (const name of [HEAD_NAME, MANIFEST_NAME]) {
      const bytes = fileOf(whole, name);
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
          flip(fileOf(copy, chunkName(seq)), 8 * 140);
          copy.resign(seq, third);
        });
        assert.ok(namesChunk(await expectCode(content, 22, `altered chunk ${seq}`), seq));
      }
    }
  });

  it('finds damage without a manifest as well, and names the chunk', async () => {
    const live = altered((copy) => copy.files.delete(MANIFEST_NAME));
    await expectCode(live, 10, 'live');
    for (let seq = 1; seq < CHUNKS; seq++) {
      const flipped = live.copy();
      flipped.files.delete(MANIFEST_NAME);
      flip(fileOf(flipped, chunkName(seq)), 8 * 150);
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
      duplicate.files.set(chunkName(seq + 1), fileOf(whole, chunkName(seq)));
      const twice = await verify(duplicate);
      assert.ok(
        [21, 22].includes(twice.code) && namesChunk(twice, seq + 1),
        `duplicate ${seq}: ${JSON.stringify(twice.findings)}`,
      );
    }
  });

  it('shows a retention that was shortened, by whatever keys the end of the recording is signed', async () => {
    const { retainUntil = 0 } = whole.description;
    const { retainUntil: _, ...unbounded } = whole.description;
    const shorter = { ...whole.description, retainUntil: retainUntil - 1 };
    for (const name of [HEAD_NAME, MANIFEST_NAME]) {
      const text = Buffer.from(fileOf(whole, name)).toString();
      const edited = text.replace(`"retainUntil":${retainUntil}`, `"retainUntil":${retainUntil - 1}`);
      assert.notEqual(edited, text);
      await expectCode(
        altered((copy) => copy.files.set(name, Buffer.from(edited))),
        25,
        `${name}, edited and not signed`,
      );
    }
    for (const description of [shorter, unbounded]) {
      const signed = whole.copy();
      await signed.writeManifest({ description });
      const report = await expectCode(signed, 30, 'a manifest signed by the right keys');
      assert.deepEqual(
        report.findings.map(({ code, object }) => [code, object]),
        [[30, MANIFEST_NAME]],
      );
    }
    const renamed = whole.copy();
    await renamed.writeManifest({ description: { ...shorter, protocol: 'another' } });
    await expectCode(renamed, 25, 'shorter, and described otherwise');
    const longer = whole.copy();
    await longer.writeManifest({ description: { ...whole.description, retainUntil: retainUntil + 1 } });
    await expectCode(longer, 25, 'longer than the head promises');
  });

  it('shows a retention that is shorter than an auditor asks for', async () => {
    const retentionMs = (whole.description.retainUntil ?? 0) - whole.description.startedAt;
    const asked = async (fixture: RecordingFixture, ms: number): Promise<number> =>
      (await verifyRecording(fixture.source, { ...verifyOptions, retentionMs: ms })).code;
    assert.equal(await asked(whole, retentionMs), 0);
    assert.equal(await asked(whole, retentionMs + 1), 30);
    assert.equal(await asked(other, 0), 30, 'a head that promises nothing');
  });

  it('says unsupported for a head of a later version', async () => {
    const text = Buffer.from(fileOf(whole, HEAD_NAME)).toString().replace('"version":1', '"version":2');
    await expectCode(
      altered((copy) => copy.files.set(HEAD_NAME, Buffer.from(text))),
      40,
      'version 2',
    );
  });
});
