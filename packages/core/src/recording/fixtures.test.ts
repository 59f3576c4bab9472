import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { nodeVerifyCrypto } from '@enchilada/core/testing/recording-fixture';
import { parseTrustFile } from './trust.ts';
import { verifyRecording } from './verify-recording.ts';

interface Expected {
  readonly recording: string;
  readonly code: number;
  readonly chunks: number;
  readonly sha256: Readonly<Record<string, string>>;
}

const fixtures = join(import.meta.dirname, 'fixtures');

describe('a recording made by an earlier version', () => {
  for (const name of readdirSync(fixtures)) {
    it(`verifies as it did then: ${name}`, async () => {
      const folder = join(fixtures, name);
      const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;
      const files = Object.entries(expected.sha256);
      for (const [path, sum] of files)
        assert.equal(hash('sha256', readFileSync(join(folder, 'store', path))), sum, path);
      const head = files.map(([path]) => path).find((path) => path.endsWith('head.json')) ?? '';
      const recording = join(folder, 'store', dirname(head));
      const trust = parseTrustFile(readFileSync(join(folder, 'trust.json')));
      assert.ok(trust);
      const objects = readdirSync(recording).map((object) => ({
        name: object,
        size: readFileSync(join(recording, object)).length,
      }));
      const source = {
        id: expected.recording,
        objects,
        read: (object: string) => readFileSync(join(recording, object)),
      };
      const report = await verifyRecording(source, { crypto: nodeVerifyCrypto, trust });
      assert.deepEqual([report.code, report.chunks], [expected.code, expected.chunks], JSON.stringify(report.findings));
    });
  }
});
