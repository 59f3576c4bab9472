import assert from 'node:assert/strict';
import { verifyRecording } from '@enchilada/core/recording';
import type { VerifyCrypto, VerifyReport } from '@enchilada/core/recording';
import { nodeVerifyCrypto, RecordingFixture } from './recording-fixture.ts';

/** What the tests of the verifier alter, and how they look at what it says. */
export const CHUNKS = 12;
export const whole = await RecordingFixture.build({
  seed: 'whole',
  epochs: [4, 4, 4],
  description: { retainUntil: Date.UTC(2027, 3, 5, 12) },
});
export const other = await RecordingFixture.build({ seed: 'other', epochs: [4, 4, 4], signer: whole.signer });
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
export const verifyOptions = { crypto, trust: whole.trust };

export const verify = (fixture: RecordingFixture): Promise<VerifyReport> =>
  verifyRecording(fixture.source, verifyOptions);

export function altered(change: (copy: RecordingFixture) => void): RecordingFixture {
  const copy = whole.copy();
  change(copy);
  return copy;
}

export function fileOf(fixture: RecordingFixture, name: string): Uint8Array {
  const bytes = fixture.files.get(name);
  assert.ok(bytes, name);
  return bytes;
}

export function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
}

export async function expectCode(fixture: RecordingFixture, code: number, what: string): Promise<VerifyReport> {
  const report = await verify(fixture);
  assert.equal(report.code, code, `${what}: ${JSON.stringify(report.findings)}`);
  return report;
}

export function namesChunk(report: VerifyReport, seq: number): boolean {
  return report.findings.some(({ chunks }) => chunks !== undefined && chunks[0] <= seq && seq <= chunks[1]);
}
