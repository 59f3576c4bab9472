import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeVerifyCrypto, RecordingFixture, SeededRandom } from '@enchilada/core/testing/recording-fixture';
import { verifyRecording } from './verify-recording.ts';

/** In parts, so that each stays within the time that the runner gives a test. */
const PARTS = 8;
const EACH = 1_250;

for (let part = 1; part <= PARTS; part++) {
  test(`10,000 random valid recordings raise no alarm, part ${part} of ${PARTS}`, async () => {
    const random = new SeededRandom(`valid-${part}`);
    for (let round = 0; round < EACH; round++) {
      const epochs = Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(3));
      const state = (['COMPLETE', 'GAPPED', 'INCOMPLETE'] as const)[random.below(3)] ?? 'COMPLETE';
      const fixture = await RecordingFixture.build({ seed: `valid-${part}-${round}`, epochs, state });
      const report = await verifyRecording(fixture.source, { crypto: nodeVerifyCrypto, trust: fixture.trust });
      assert.equal(report.code, state === 'COMPLETE' ? 0 : 10, `round ${round}: ${JSON.stringify(report.findings)}`);
    }
  });
}
