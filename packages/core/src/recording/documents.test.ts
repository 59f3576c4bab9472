import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from './bytes.ts';
import { canonicalJson, parseCanonicalJson } from './canonical-json.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { parseChunk } from './chunk.ts';
import { parseHead, parseRecoveredHead } from './head.ts';
import { checkpointName, isRecordingId, parseObjectName, recordingIdBytes, recordingPrefix } from './layout.ts';
import { parseManifest } from './manifest.ts';
import { merkleRoot } from './merkle.ts';
import { formatTrustFile, parseTrustFile, trustStoreOf } from './trust.ts';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');

describe('canonical JSON', () => {
  it('is the one text that parses back', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = canonicalJson(value);
        assert.deepEqual(parseCanonicalJson(utf8(text)), JSON.parse(text));
      }),
    );
    assert.equal(
      canonicalJson({ b: [1, null, 'ü'], a: { d: true, c: undefined } }),
      '{"a":{"d":true},"b":[1,null,"ü"]}',
    );
  });

  it('refuses another text for the same value', () => {
    for (const text of [
      '{"a":1 }',
      '{"b":1,"a":2}',
      '{"a":1,"a":1}',
      '{"a":1.0}',
      '{"a":"\\u0041"}',
      '[]',
      '1',
      '',
      '\ufeff{}',
      '{"a":1}\n',
    ]) {
      assert.equal(parseCanonicalJson(utf8(text)), undefined, text);
    }
    assert.equal(parseCanonicalJson(Uint8Array.of(0x7b, 0xff, 0x7d)), undefined);
    assert.equal(parseCanonicalJson(utf8('['.repeat(200_000))), undefined);
    assert.equal(parseCanonicalJson(utf8(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)), undefined);
  });
});

describe('Merkle root', () => {
  // The test vectors of the certificate-transparency reference implementation.
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  it('agrees with RFC 6962', () => {
    const roots: Record<number, string> = {
      0: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      1: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      2: 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      3: 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      5: '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      7: 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      8: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    };
    for (const [count, root] of Object.entries(roots)) {
      const some = leaves.slice(0, Number(count)).map((leaf) => fromHex(leaf) ?? new Uint8Array());
      assert.equal(toHex(merkleRoot(some, sha256)), root, count);
    }
  });
});

describe('layout', () => {
  it('puts nothing but the id and the date into a path', () => {
    const id = 'abcdefghijklmnopqrstuvwxya';
    assert.ok(isRecordingId(id));
    assert.equal(recordingPrefix(id, Date.UTC(2026, 0, 2, 3)), `rec/v1/2026/01/02/${id}`);
    assert.equal(checkpointName('../a b', Date.UTC(2026, 0, 2, 3, 4, 5)), 'chk/v1/2026/01/02/030405-___a_b.json');
    for (const bad of [
      '',
      'ABCDEFGHIJKLMNOPQRSTUVWXYA',
      `${id}a`,
      '../../../../../../../../etc',
      'abcdefghijklmnopqrstuvwxyb',
    ]) {
      assert.equal(isRecordingId(bad), false, bad);
      assert.throws(() => recordingIdBytes(bad), RangeError);
    }
  });

  it('knows the names it writes and no others', () => {
    assert.deepEqual(parseObjectName('00000012.brc'), { kind: 'chunk', seq: 12 });
    assert.deepEqual(parseObjectName('manifest.recovered-00000003.json'), { kind: 'recovered-manifest', epoch: 3 });
    for (const name of [
      '00000000.brc',
      '1.brc',
      '00000001.brc.tmp',
      '00000001.json',
      'recovered-00000001.brc',
      'HEAD.json',
      '',
    ]) {
      assert.equal(parseObjectName(name), undefined, name);
    }
  });
});

describe('documents from an enemy', () => {
  it('are answered by undefined or by a document, whatever the bytes', () => {
    const parsers = [parseHead, parseRecoveredHead, parseManifest, parseCheckpoint, parseTrustFile, parseChunk];
    const formats = [
      'enchilada-recording',
      'enchilada-recovery',
      'enchilada-manifest',
      'enchilada-checkpoint',
      'enchilada-trust',
    ];
    const fields = [
      'recording',
      'head',
      'chunks',
      'entries',
      'keys',
      'epochKeys',
      'description',
      'dataKey',
      'state',
      'merkleRoot',
    ];
    const shaped = fc
      .record({ format: fc.constantFrom(...formats), rest: fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()) })
      .map(({ format, rest }) => utf8(canonicalJson({ ...(rest as object), format, version: 1, signatures: {} })));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), shaped), (bytes) => {
        for (const parse of parsers) parse(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('must name at least one key to be trusted', () => {
    const trust = trustStoreOf([{ keyId: 'k', publicKey: new Uint8Array(32), assurance: 'local' }]);
    assert.deepEqual(parseTrustFile(formatTrustFile(trust)), trust);
    assert.equal(parseTrustFile(formatTrustFile(new Map())), undefined);
    assert.equal(parseTrustFile(utf8('-----BEGIN PUBLIC KEY-----')), undefined);
  });
});
